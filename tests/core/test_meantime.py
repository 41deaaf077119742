"""Mean-time schedules: they keep the mean that is asked for, evenly over strikeable time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest

from chaosd.core import duration
from chaosd.core.schedule import MeanTime, Rate, Slot, check_meantime, slots
from chaosd.core.window import (
    Always,
    Dates,
    Holidays,
    Rule,
    Weekly,
    Windows,
    parse_clock,
    parse_days,
    strikeable_intervals,
    strikeable_until,
)
from tests.core.planning import z

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
DEADLINE = timedelta(minutes=10)
START, END = datetime(2026, 1, 5, tzinfo=UTC), datetime(2028, 1, 3, tzinfo=UTC)
YEARS = END - START  # both clock changes, twice
WARM_UP = 40 * DAY
Hour = tuple[int, int]  # weekday, hour of the day
KILLS = 20_000  # about as many are simulated for each case


def weekly(days: str, start: str, end: str) -> Weekly:
    return Weekly(parse_days(days), parse_clock(start), parse_clock(end, end=True))


WINDOWS = {
    "always": Windows("UTC"),
    "office": Windows("Europe/Berlin", ((weekly("Mon-Fri", "09:00", "17:00"),),)),
    "nights": Windows("America/New_York", ((weekly("Sun-Thu", "22:00", "06:00"),),)),
    "dst hours": Windows("Australia/Lord_Howe", ((weekly("Sat-Mon", "00:30", "04:15"),),)),
    "lunch denied": Windows(
        "Europe/Berlin",
        ((weekly("Mon-Sun", "08:00", "20:00"),),),
        (weekly("Mon", "11:00", "14:00"),),
    ),
}
# windows, mean and gap in hours
CASES = [
    ("always", 120, 12),
    ("always", 24, 20),
    ("office", 120, 12),
    ("office", 120, 60),
    ("office", 48, 12),
    ("nights", 72, 24),
    ("dst hours", 96, 6),
    ("lunch denied", 36, 9),
]


def plan(
    windows: Windows, rates: list[Rate], after: datetime, until: datetime, seed: str = "seed"
) -> list[Slot]:
    return list(
        slots(
            MeanTime(5 * DAY, HOUR),
            seed=seed,
            policy="web",
            windows=windows,
            deadline=DEADLINE,
            workloads=rates,
            after=after,
            until=until,
        )
    )


@lru_cache
def kills(name: str, mean: int, gap: int) -> tuple[int, tuple[datetime, ...]]:
    """Simulate workloads whose kills all succeed, as the ledger would let them happen.

    Gives the number of workloads, and the instants of all kills from START to END.
    """
    workloads = KILLS * mean * HOUR // YEARS
    rates = [Rate(f"shop/Deployment/{n}", mean * HOUR, gap * HOUR) for n in range(workloads)]
    last: dict[str, datetime] = {}
    found = []
    for slot in plan(WINDOWS[name], rates, START - WARM_UP, END):
        if slot.workload not in last or slot.at - last[slot.workload] >= gap * HOUR:
            last[slot.workload] = slot.at
            found.append(slot.at)
    return workloads, tuple(at for at in found if at > START)


@pytest.mark.parametrize(("name", "mean", "gap"), CASES)
def test_the_mean_is_the_one_asked_for(name: str, mean: int, gap: int) -> None:
    """Over simulated years, the calendar time per kill is within 2% of the mean."""
    asked = MeanTime(mean * HOUR, gap * HOUR)
    assert check_meantime(asked, WINDOWS[name], DEADLINE, HOUR) == ()
    workloads, found = kills(name, mean, gap)
    assert workloads * YEARS / len(found) / HOUR == pytest.approx(mean, rel=0.02)


@pytest.mark.parametrize(("name", "mean", "gap"), CASES)
def test_kills_are_even_over_strikeable_time(name: str, mean: int, gap: int) -> None:
    """Each local hour of each weekday gets its share (chi-square, p = 0.001)."""
    windows = WINDOWS[name]
    zone = ZoneInfo(windows.zone)

    def hour_of_week(at: datetime) -> tuple[int, int]:
        local = at.astimezone(zone)
        return local.weekday(), local.hour

    strikeable: Counter[tuple[int, int]] = Counter()  # in steps of five minutes
    for start, end in strikeable_intervals(windows, DEADLINE, START, END):
        strikeable.update(
            hour_of_week(start + step * timedelta(minutes=5))
            for step in range((end - start) // timedelta(minutes=5))
        )
    _, found = kills(name, mean, gap)
    counted = Counter(map(hour_of_week, found))
    assert set(counted) == set(strikeable)
    expected = {hour: len(found) * n / strikeable.total() for hour, n in strikeable.items()}
    assert _chi_square(counted, expected) < _critical(len(expected) - 1)
    days = _by_day(counted)
    assert _chi_square(days, _by_day(expected)) < _critical(max(len(days) - 1, 1))


def _by_day(hours: Mapping[Hour, float]) -> dict[Hour, float]:
    days: dict[Hour, float] = {}
    for (day, _), amount in hours.items():
        days[day, 0] = days.get((day, 0), 0) + amount
    return days


def _chi_square(counted: Mapping[Hour, float], expected: Mapping[Hour, float]) -> float:
    return sum((counted[hour] - share) ** 2 / share for hour, share in expected.items())


def _critical(freedom: int) -> float:
    """The chi-square value with p = 0.001, by Wilson and Hilferty's approximation (1931)."""
    part = 2 / (9 * freedom)
    return float(freedom * (1 - part + 3.0902 * part**0.5) ** 3)


# ------------------------------------------------------------------ single slots

RATES = [Rate(f"shop/Deployment/{n}", DAY, 2 * HOUR) for n in range(40)]
OFFICE = weekly("Mon-Fri", "09:00", "17:00")
FREEZE = Dates(date(2026, 12, 18), date(2027, 1, 4))
RULES: dict[str, tuple[tuple[tuple[Rule, ...], ...], tuple[Rule, ...]]] = {
    "freeze": (((OFFICE,),), (FREEZE,)),
    "freeze, else always": ((), (FREEZE, Holidays("DE", "BE"))),
    "only in the freeze": (((FREEZE,),), ()),
    "a narrower policy": (((OFFICE,), (weekly("Mon-Sun", "08:00", "12:00"), Always())), (FREEZE,)),
}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_slots_lie_where_something_may_start(
    rules: tuple[tuple[tuple[Rule, ...], ...], tuple[Rule, ...]],
) -> None:
    """No slot falls outside of what is strikeable with dates and holidays, and some fall inside."""
    windows = Windows("Europe/Berlin", *rules)
    found = plan(windows, RATES, z("2026-12-10T00:00"), z("2027-01-10T00:00"))
    assert found
    assert all(strikeable_until(windows, DEADLINE, slot.at) for slot in found)


def test_freezes_are_not_caught_up() -> None:
    """Outside of a freeze the slots are those that there would be without it."""
    span = z("2026-12-10T00:00"), z("2027-01-20T00:00")
    free = plan(Windows("Europe/Berlin", ((OFFICE,),)), RATES, *span)
    windows = Windows("Europe/Berlin", ((OFFICE,),), (FREEZE,))
    frozen = plan(windows, RATES, *span)
    start, end = z("2026-12-17T23:00"), z("2027-01-04T23:00")
    assert frozen == [slot for slot in free if not start <= slot.at < end]
    assert len(frozen) < len(free)


def test_a_workload_has_its_slots_whoever_else_there_is() -> None:
    """Slots of one workload depend on nothing but itself, and so survive others' comings."""
    span = z("2026-11-16T00:00"), z("2026-11-23T00:00")
    windows = WINDOWS["office"]
    together = plan(windows, [*RATES, Rate("z/Job/slow", 50 * DAY, 9 * DAY)], *span)
    for rate in RATES[:3]:
        alone = plan(windows, [rate], *span)
        assert alone == [slot for slot in together if slot.workload == rate.workload]


def test_a_workload_may_be_slower_than_others() -> None:
    """Each workload has its own rate."""
    rates = [
        Rate(f"{kind}/Deployment/{n}", mean, 2 * HOUR)
        for kind, mean in (("fast", DAY), ("slow", 10 * DAY))
        for n in range(100)
    ]
    found = plan(WINDOWS["office"], rates, z("2026-01-05T00:00"), z("2026-04-06T00:00"))
    counts = Counter(slot.workload.split("/")[0] for slot in found)
    assert 8 < counts["fast"] / counts["slow"] < 16  # the gap lets the fast ones come more often


def test_seeds_draw_apart() -> None:
    """Another seed strikes at other times, as often."""
    span = z("2026-01-05T00:00"), z("2026-02-02T00:00")
    one, two = (plan(WINDOWS["office"], RATES, *span, seed) for seed in ("one", "two"))
    assert not {(slot.at, slot.workload) for slot in one} & {(s.at, s.workload) for s in two}
    assert 0.8 < len(one) / len(two) < 1.25


def test_the_night_with_an_hour_more_breaks_nothing() -> None:
    """Where a gap holds more than in the weeks that were checked, the intensity stays bounded."""
    windows = Windows("Europe/Berlin", ((weekly("Mon-Sun", "00:00", "06:00"),),))
    mean, gap = _advised(windows, 20 * HOUR), 20 * HOUR
    rates = [Rate(f"shop/Deployment/{n}", mean, gap) for n in range(300)]
    ordinary = plan(windows, rates, z("2026-10-24T12:00") - DAY, z("2026-10-24T12:00"))
    long = plan(windows, rates, z("2026-10-24T12:00"), z("2026-10-25T12:00"))
    # In the hour more, the intensity is ten times that at the start of the night.
    assert 1 < len(long) / len(ordinary) < 5


# ------------------------------------------------------------------ what can't be


@pytest.mark.parametrize(
    ("name", "mean", "gap", "problems"),
    [
        ("always", 120, 12, []),
        (
            "always",
            24,
            22,
            ["write meanTimeBetweenKills: 25h or more, or minGap: 21h35m or less"],
        ),
        ("office", 48, 60, ["write meanTimeBetweenKills: 4d17h or more, or minGap: 26h or less"]),
        ("office", 120, 1, ["minGap 1h is shorter than deadline + cooldown: write minGap: 70m"]),
        ("always", 1, 1, ["write minGap: 70m or more", "write meanTimeBetweenKills: 78m or more"]),
    ],
)
def test_gaps_that_do_not_fit(name: str, mean: int, gap: int, problems: list[str]) -> None:
    """All problems at once; the numbers that are named do, and just beyond them nothing does."""
    asked = MeanTime(mean * HOUR, gap * HOUR)
    found = check_meantime(asked, WINDOWS[name], DEADLINE, HOUR)
    assert len(found) == len(problems)
    assert all(part in message for part, message in zip(problems, found, strict=True))


def _advised(windows: Windows, gap: timedelta) -> timedelta:
    """The shortest mean for `gap` that the check advises."""
    (message,) = check_meantime(MeanTime(HOUR, gap), windows, DEADLINE, HOUR)
    return duration.parse(message.split("meanTimeBetweenKills: ")[1].split(" or more")[0])


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("gap", [2, 20, 100, 400])
def test_the_mean_that_is_advised_does(name: str, gap: int) -> None:
    """Whoever follows the advice is done, and it asks for no more than an hour too much."""
    windows = WINDOWS[name]
    advised = _advised(windows, gap * HOUR)
    assert check_meantime(MeanTime(advised, gap * HOUR), windows, DEADLINE, HOUR) == ()
    assert check_meantime(MeanTime(advised - HOUR, gap * HOUR), windows, DEADLINE, HOUR) != ()


@pytest.mark.parametrize(
    ("windows", "advice"),
    [
        (Windows("UTC", (), (Always(),)), "the weekly windows leave no time open"),
        (
            Windows(
                "UTC", ((weekly("Mon", "09:00", "10:00"),), (weekly("Tue", "09:00", "10:00"),))
            ),
            "write an allow window that no denial covers",
        ),
        (
            Windows("UTC", ((weekly("Mon", "09:00", "09:10"),),)),
            "write windows longer than that, or deadline: 9m or less",
        ),
    ],
)
def test_weeks_without_strikeable_time(windows: Windows, advice: str) -> None:
    """Windows in which nothing can ever start are a mistake, and give no slots."""
    (message,) = check_meantime(MeanTime(5 * DAY, 12 * HOUR), windows, DEADLINE, HOUR)
    assert advice in message
    assert plan(windows, RATES, z("2026-11-16T00:00"), z("2026-11-23T00:00")) == []


@pytest.mark.parametrize(("mean", "gap"), [(timedelta(0), HOUR), (-DAY, HOUR), (DAY, -HOUR)])
def test_rates_without_meaning_are_refused(mean: timedelta, gap: timedelta) -> None:
    """A rate that would strike all the time is a mistake of the caller."""
    with pytest.raises(ValueError, match="write a mean above zero"):
        Rate("shop/Deployment/cart", mean, gap)
