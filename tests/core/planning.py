"""What the tests of schedules share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from hypothesis import strategies as st

from chaosd.core.schedule import Cron, Rate, Schedule, Slot, slots
from chaosd.core.window import Weekly, Windows, parse_clock, parse_days

DEADLINE = timedelta(minutes=10)


def z(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}Z")


def nights(zone: str) -> Windows:
    rule = Weekly(parse_days("Fri-Wed"), parse_clock("22:00"), parse_clock("06:00"))
    return Windows(zone, ((rule,),))


def plan(
    schedule: Schedule,
    after: datetime,
    until: datetime,
    *,
    seed: str = "seed",
    policy: str = "web",
    windows: Windows | None = None,
    workloads: Iterable[Rate] = (),
) -> list[Slot]:
    return list(
        slots(
            schedule,
            seed=seed,
            policy=policy,
            windows=windows or Windows("UTC"),
            deadline=DEADLINE,
            workloads=workloads,
            after=after,
            until=until,
        )
    )


MINUTES = ["0", "*/7", "30", "15,45", "0-59/20", "*"]
HOURS = ["2", "*", "1-3", "0", "*/5", "23"]
DAYS = [("*", "*"), ("*", "SUN"), ("29", "*"), ("1", "MON"), ("L", "*"), ("*", "SAT#1,SUN#1")]
CRONS = st.builds(
    lambda minute, hour, days: Cron(f"{minute} {hour} {days[0]} * {days[1]}"),
    st.sampled_from(MINUTES),
    st.sampled_from(HOURS),
    st.sampled_from(DAYS),
)
# Around clock changes of several zones.
CHANGES = ("2026-03-29T01:00", "2026-11-01T06:00", "2026-04-04T15:00", "2019-02-17T02:00")
STARTS = st.builds(
    lambda change, minutes: z(change) + timedelta(minutes=minutes),
    st.sampled_from(CHANGES),
    st.integers(-3_000, 3_000),
)
