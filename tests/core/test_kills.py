"""What was done, newest first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chaosd.core.kills import kills
from chaosd.core.ledger import Ledger, Result, StepState, Verdict
from chaosd.core.status_parts import State
from tests.core.ledgers import (
    API,
    HOUR,
    NOW,
    SECOND,
    WEB,
    dry,
    healed,
    intent,
    killed,
    led,
    reserved,
    settled,
    stuck,
)


def several() -> Ledger:
    """One that recovered, one refused, a dry run, and the newest still recovering."""
    ledger = healed(led(), intent("web", WEB, NOW - HOUR), NOW - HOUR + 40 * SECOND)
    ledger = settled(ledger, intent("web", API, NOW - 50 * SECOND), StepState.REFUSED)
    ledger = settled(ledger, dry("night", API, NOW - 20 * SECOND), StepState.KILLED)
    return killed(ledger, intent("web", WEB, NOW))


def test_the_newest_comes_first_with_what_is_known_of_it() -> None:
    """Open ones have a state, closed ones how long they took if they recovered."""
    found = kills(several(), NOW, limit=10)
    assert [one.at for one in found.kills] == sorted((k.at for k in found.kills), reverse=True)
    newest, oldest = found.kills[0], found.kills[-1]
    assert (newest.state, newest.result, newest.seconds) == (State.RECOVERING, Result.KILLED, None)
    assert (oldest.state, oldest.verdict, oldest.seconds) == (None, Verdict.RECOVERED, 40.0)
    assert [one.dry_run for one in found.kills] == [False, True, False, False]


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({}, 4),
        ({"policy": "web"}, 3),
        ({"policy": "nobody"}, 0),
        ({"result": Result.REFUSED}, 1),
        ({"verdict": Verdict.RECOVERED}, 1),
        ({"policy": "night", "result": Result.KILLED}, 0),
    ],
)
def test_asking_for_some(asked: dict[str, str], count: int) -> None:
    """Filters narrow, together; the total counts what they leave."""
    found = kills(several(), NOW, limit=10, **asked)  # type: ignore[arg-type]
    assert (found.total, len(found.kills)) == (count, count)


def test_a_limit_leaves_the_newest_and_says_how_many_there_are() -> None:
    """So that a page can say how many more."""
    found = kills(several(), NOW, limit=1)
    assert (found.total, len(found.kills), found.kills[0].at) == (4, 1, NOW)


def test_what_did_not_recover_is_open_and_says_so() -> None:
    """It stays with its verdict until somebody forgives it."""
    (one,) = kills(stuck(), NOW + HOUR, limit=5).kills
    assert (one.state, one.verdict, one.seconds) == (
        State.UNRECOVERED,
        Verdict.NOT_RECOVERED,
        None,
    )


def test_a_step_whose_outcome_is_unknown_has_no_result() -> None:
    """It is striking."""
    (one,) = kills(reserved(led(), intent()), NOW + timedelta(seconds=1), limit=5).kills
    assert (one.state, one.result) == (State.STRIKING, None)
