"""Admission: every reason stops an attempt, and then nothing at all is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from chaosd.core.model import Code, Configuration, Limits
from chaosd.core.window import Weekly, Windows
from chaosd.engine.attempt import SKIPPED
from tests.engine import troubles as on
from tests.engine.process import Process
from tests.engine.scene import Scene, codes, configured, policy

ALL_DAYS = frozenset(range(7))
HOUR = 3600


def from_to(start: int, end: int) -> Windows:
    return Windows("UTC", ((Weekly(ALL_DAYS, start, end),),))


def limited(**limits: int) -> Configuration:
    return configured(limits=Limits(**limits))


def own_limit(**limits: int) -> Configuration:
    return configured(policy(limits=Limits(**limits)))


@dataclass
class Case:
    """How things are, and the only reason that must come of it."""

    name: str
    code: Code
    arrange: Callable[[Scene, Process], dict[str, Any] | None] = on.all_well
    configuration: Configuration = field(default_factory=configured)
    options: dict[str, Any] = field(default_factory=dict)


CASES = [
    Case("by a command", Code.HALTED, on.halted),
    Case("by an annotation", Code.HALTED, on.annotated),
    Case("by the configuration", Code.HALTED, on.halted_by_file),
    Case("paused", Code.POLICY_PAUSED, on.paused),
    Case(
        "window closed",
        Code.WINDOW_CLOSED,
        configuration=configured(policy(windows=from_to(11 * HOUR, 12 * HOUR))),
    ),
    Case(
        "too late in its window",
        Code.WINDOW_TOO_SHORT,
        configuration=configured(policy(windows=from_to(9 * HOUR, 10 * HOUR + 30))),
    ),
    Case("an hour's limit", Code.LIMIT_PER_HOUR, on.killed_before, limited(per_hour=1)),
    Case("a day's limit", Code.LIMIT_PER_DAY, on.killed_before, limited(per_day=1)),
    Case("a policy's hour", Code.LIMIT_PER_HOUR, on.killed_before, own_limit(per_hour=1)),
    Case("a policy's day", Code.LIMIT_PER_DAY, on.killed_before, own_limit(per_day=1)),
    Case("one at once", Code.LIMIT_CONCURRENT, on.not_healed_yet, limited(concurrent=1)),
    Case("a policy's one", Code.LIMIT_CONCURRENT, on.not_healed_yet, own_limit(concurrent=1)),
    Case("clock ahead", Code.CLOCK_SKEW, options={"off": timedelta(seconds=6)}),
    Case("clock behind", Code.CLOCK_SKEW, options={"off": -timedelta(seconds=6)}),
    Case("clock unknown", Code.CLOCK_UNKNOWN, options={"through": on.Undated}),
    Case("clock set back", Code.CLOCK_BACKWARDS, on.set_back),
    Case("unsettled", Code.UNSETTLED_INTENT, on.unsettled_elsewhere),
    Case("struck already", Code.ALREADY_ATTEMPTED, on.struck_already),
    Case("late", Code.TOO_LATE, on.late),
    Case("a spoiled file", Code.CONFIGURATION_INVALID, on.spoiled),
    Case("the policy is gone", Code.CONFIGURATION_CHANGED, on.policy_gone),
    Case("the lease ran out", Code.NOT_LEADING, on.lease_ran_out),
    Case("stopping", Code.STOPPING, on.stopping),
    Case("ledger deleted", Code.LEDGER_UNREADABLE, on.ledger_deleted),
    Case("ledger replaced", Code.LEDGER_UNREADABLE, on.ledger_replaced),
    Case("ledger damaged", Code.LEDGER_UNREADABLE, on.ledger_damaged),
    Case("ledger of a newer chaosd", Code.LEDGER_UNREADABLE, on.ledger_newer),
    Case("ledger too large", Code.LEDGER_FULL, on.ledger_full),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_reason_stops_an_attempt_without_any_write(case: Case) -> None:
    """It is skipped for exactly this reason, and the cluster is as it was."""
    scene = Scene(case.configuration, on.shop)
    process = scene.leader(**case.options)
    slot = case.arrange(scene, process) or {}
    before = scene.victims()
    scene.asked()
    ended = process.attempt(**slot)
    assert ended.result == SKIPPED
    assert codes(ended) == {case.code}
    assert all(reason.detail for reason in ended.reasons)
    assert scene.writes() == []
    assert scene.victims() == before
    # What passes by itself is tried again, and told when it has ended.
    told = [] if ended.again_at else [(SKIPPED, ended.reasons)]
    assert [attempt[1:] for attempt in process.tape.attempts[-1:] if attempt[1] == SKIPPED] == told


def test_nothing_stops_it_when_all_is_well() -> None:
    """The same scene without a reason kills: the table above is not vacuous."""
    scene = Scene(fill=on.shop)
    ended = scene.leader().attempt(at=scene.now() - timedelta(seconds=30))
    assert ended.result == "killed"
    assert len(scene.victims()) == 1


def test_all_reasons_are_told_together() -> None:
    """A halt, a pause, a closed window and a late slot are all named at once."""
    scene = Scene(configured(policy(windows=from_to(11 * HOUR, 12 * HOUR))), on.shop)
    process = scene.leader()
    on.halted(scene, process)
    on.paused(scene, process)
    ended = process.attempt(**on.late(scene, process))
    assert codes(ended) == {Code.HALTED, Code.POLICY_PAUSED, Code.WINDOW_CLOSED, Code.TOO_LATE}


# ------------------------------------------------------------------ limits end by themselves


@pytest.mark.parametrize(
    ("configuration", "seconds"), [(limited(per_hour=1), 3600), (limited(per_day=1), 86_400)]
)
def test_a_limit_is_rolling(configuration: Configuration, seconds: int) -> None:
    """The kill counts until its hour or day has passed, and not a second longer."""
    scene = Scene(configuration, on.shop)
    process = scene.leader()
    process.attempt()
    scene.run(10)
    for after, result in ((seconds - 1, SKIPPED), (seconds, "killed")):
        scene.clock.advance(after - scene.seconds())
        process.lead.step()
        assert process.attempt().result == result


def test_a_refused_kill_gives_its_limit_back() -> None:
    """What a disruption budget refused at the last moment took nothing down, and counts for
    nothing."""
    scene = Scene(limited(per_hour=1, concurrent=1), on.shop)
    refuse = {"do": "status", "status": 429, "path": "/eviction$", "count": 1}
    process = scene.leader()
    scene.fault(**refuse)
    assert process.attempt().result == "refused"
    scene.clock.advance(1)
    assert process.attempt().result == "killed"
