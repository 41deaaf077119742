"""Any ledger at all, and its text with other sections."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st

from chaosd.core.ledger import (
    Halt,
    Intent,
    LastKill,
    Leader,
    Ledger,
    Request,
    Result,
    Step,
    StepState,
    Tally,
    Verdict,
    workload_hash,
)
from chaosd.core.ledger_text import encode
from chaosd.core.model import BudgetMode, Code, Reason, Victim
from tests.core.ledgers import NOW, STOP, intent, led

ID = intent().id
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ['"halt": {', '"}, "web": {', "\\", '\\"', "}", "]", "\n", "\x00", "né"]
)
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
SOME_TIME = st.none() | TIMES
HALTS = st.builds(Halt, TEXTS, TEXTS, TIMES)
VICTIMS = st.builds(Victim, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS)
STEPS = st.builds(
    Step,
    number=st.integers(1, 9),
    victim=VICTIMS,
    holder=TEXTS,
    term=st.integers(1, 9),
    reserved_at=TIMES,
    strike_by=TIMES,
    state=st.sampled_from(StepState),
    detail=TEXTS,
    settled_at=SOME_TIME,
)
# Names that other parts of the text have, too.
POLICIES = st.sampled_from(["web", "halt", "leader", "requests", "policy", "a" * 20, "b" * 12])
WORKLOADS = st.integers(0, 50).map(lambda n: f"shop/Deployment/web-{n}")
REASONS = (Reason(Code.HALTED, '"by": {'),)
KILLS = st.dictionaries(
    WORKLOADS.map(workload_hash),
    st.builds(LastKill, st.integers(0, 2_000_000_000), st.integers(-1, 9_000)),
    max_size=3,
)
DAYS = st.dictionaries(
    st.dates(date(2020, 1, 1), date(2040, 1, 1)),
    st.builds(Tally, st.dictionaries(POLICIES, st.integers(1, 10**9), max_size=2)),
    max_size=3,
)


@st.composite
def intents(draw: st.DrawFn, number: int) -> Intent:
    """Any intent, open or closed; `number` makes it another than the others."""
    return intent(
        draw(POLICIES),
        draw(WORKLOADS),
        NOW + timedelta(seconds=number),
        deadline=draw(st.floats(0, 1e9)),
        pdb=draw(st.sampled_from(BudgetMode)),
        grace_period_seconds=draw(st.none() | st.integers(1, 9)),
        window_until=draw(SOME_TIME),
        steps=tuple(draw(st.lists(STEPS, max_size=2))),
        result=draw(st.none() | st.sampled_from(Result)),
        detail=draw(TEXTS),
        verdict=draw(st.none() | st.sampled_from(Verdict)),
        closed_at=draw(SOME_TIME),
        seen=draw(TEXTS),
        told=draw(TEXTS),
        uids=draw(st.dictionaries(TEXTS, TEXTS, max_size=1)),
    )


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    some = [draw(intents(number)) for number in range(draw(st.integers(0, 4)))]
    requests = [
        Request(name, draw(POLICIES), draw(TEXTS), NOW, NOW, taken_by=draw(TEXTS), reasons=REASONS)
        for name in draw(st.sets(st.sampled_from(["abcd1234", "zzzzzzzz"])))
    ]
    return Ledger(
        revision=draw(st.integers(0, 10_000)),
        halt=draw(st.none() | HALTS),
        paused=draw(st.dictionaries(POLICIES, HALTS, max_size=2)),
        leader=draw(st.none() | st.builds(Leader, TEXTS, st.integers(1, 99), TIMES)),
        intents={one.id: one for one in some if one.closed_at is None},
        outcomes={one.id: one for one in some if one.closed_at is not None},
        last_kills=draw(KILLS),
        last_dry_kills=draw(KILLS),
        requests={one.id: one for one in requests},
        days=draw(DAYS),
    )


def sections(**changes: Any) -> str:
    """The text of a ledger with other sections; `...` leaves one out."""
    whole = json.loads(encode(msgspec.structs.replace(led(), halt=STOP))) | changes
    return json.dumps({name: value for name, value in whole.items() if value is not ...})


def plain(**changes: Any) -> dict[str, Any]:
    """An intent as JSON has it, by its id."""
    return {ID: builtins(intent()) | changes}


def builtins(one: Intent) -> dict[str, Any]:
    raw: dict[str, Any] = msgspec.to_builtins(one)
    return raw
