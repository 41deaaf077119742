"""The gap and the cooldown of a workload, and what holds it until it has recovered."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core import transitions
from chaosd.core.ledger import LastKill, Ledger, StepState, Verdict, workload_hash
from chaosd.core.limits import DAY, rest_reasons
from chaosd.core.model import Code
from tests.core.ledgers import (
    API,
    HOUR,
    LEADER,
    MOMENT,
    NOW,
    SECOND,
    WEB,
    changed,
    codes,
    did,
    dry,
    healed,
    intent,
    killed,
    led,
    reserved,
    settled,
    stuck,
)


def rests(
    ledger: Ledger,
    after: timedelta,
    gap: timedelta = timedelta(0),
    cooldown: timedelta = timedelta(0),
    *,
    workload: str = WEB,
    dry_run: bool = False,
) -> list[Code]:
    return codes(
        rest_reasons(ledger, workload, NOW + after, min_gap=gap, cooldown=cooldown, dry_run=dry_run)
    )


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (timedelta(0), [Code.MIN_GAP, Code.COOLDOWN]),
        (2 * HOUR - MOMENT, [Code.MIN_GAP, Code.COOLDOWN]),
        (2 * HOUR, [Code.COOLDOWN]),
        (3 * HOUR - MOMENT, [Code.COOLDOWN]),
        (3 * HOUR, []),
    ],
)
def test_the_gap_counts_from_the_kill_and_the_cooldown_from_the_recovery(
    after: timedelta, expected: list[Code]
) -> None:
    """A kill that took an hour to recover, a gap of two hours, a cooldown of two hours."""
    ledger = healed(led(), intent(), NOW + HOUR)
    assert rests(ledger, after, 2 * HOUR, 2 * HOUR) == expected
    assert rests(ledger, after, 2 * HOUR, 2 * HOUR, workload=API) == []
    assert rests(ledger, after, 2 * HOUR, 2 * HOUR, dry_run=True) == []


def test_a_dry_run_is_whole_at_once() -> None:
    """Gap and cooldown both count from the reservation, and for dry runs only."""
    ledger = reserved(led(), dry())
    late = HOUR - MOMENT
    assert rests(ledger, late, HOUR, HOUR, dry_run=True) == [Code.MIN_GAP, Code.COOLDOWN]
    assert rests(ledger, HOUR, HOUR, HOUR, dry_run=True) == []
    assert rests(ledger, timedelta(0), HOUR, HOUR) == []


@pytest.mark.parametrize("workload", [WEB, API])
@pytest.mark.parametrize(
    ("ledger", "live", "rehearsed"),
    [
        (reserved(led(), intent(locks=(WEB, API))), [Code.LOCKED], []),
        (killed(led(), intent(locks=(WEB, API))), [Code.LOCKED], []),
        (
            did(
                transitions.judge(
                    killed(led(), intent(locks=(WEB, API))),
                    LEADER,
                    intent().id,
                    Verdict.NOT_RECOVERED,
                    NOW,
                )
            ),
            [Code.UNRECOVERED],
            [Code.UNRECOVERED],
        ),
        (settled(led(), intent(locks=(WEB, API)), StepState.REFUSED), [], []),
        (reserved(led(), dry()), [], []),
    ],
)
def test_open_intents_hold_their_workloads(
    ledger: Ledger, live: list[Code], rehearsed: list[Code], workload: str
) -> None:
    """Its own and every one that it locks; a dry run waits only for what did not recover."""
    assert rests(ledger, 9 * HOUR, workload=workload) == live
    assert rests(ledger, 9 * HOUR, workload=workload, dry_run=True) == rehearsed


def test_reasons_say_what_is_left_and_what_to_do() -> None:
    """A person reads how long it takes, or which command helps."""
    ledger = healed(led(), intent(), NOW + SECOND)
    found = rest_reasons(
        ledger, WEB, NOW + SECOND, min_gap=HOUR, cooldown=90 * SECOND, dry_run=False
    )
    assert [reason.detail for reason in found] == [
        "59m59s of the gap are left",
        "90s of the cooldown are left",
    ]
    [unrecovered] = rest_reasons(
        stuck(), WEB, NOW + DAY, min_gap=HOUR, cooldown=HOUR, dry_run=False
    )
    assert unrecovered.detail.endswith(f"did not recover: chaosd forgive {WEB}")


def test_the_command_that_forgives_names_what_was_struck() -> None:
    """One workload may be held by an intent on another: a member's StatefulSet holds its cluster.
    The command must be the one that helps."""
    key = "Etcd/main"
    ledger = stuck(intent("web", WEB, NOW, locks=(WEB, key)))
    [unrecovered] = rest_reasons(ledger, key, NOW + DAY, min_gap=HOUR, cooldown=HOUR, dry_run=False)
    told = unrecovered.detail.rpartition("chaosd forgive ")[2]
    forgiven = did(transitions.forgive(ledger, told, "me", NOW + DAY))
    assert forgiven.intents == {}


@given(st.integers(0, 7200), st.integers(-1, 7200), st.integers(0, 7200), st.integers(0, 7200))
def test_rests_are_those_of_the_last_kill(
    after: int, healed_in: int, gap: int, cooldown: int
) -> None:
    """For any kill, gap and cooldown: as long as they say, and not a second longer."""
    last = LastKill(int(NOW.timestamp()), healed_in)
    ledger = msgspec.structs.replace(led(), last_kills={workload_hash(WEB): last})
    expected = [Code.MIN_GAP] if after < gap else []
    if healed_in >= 0 and after < healed_in + cooldown:
        expected.append(Code.COOLDOWN)
    assert rests(ledger, after * SECOND, gap * SECOND, cooldown * SECOND) == expected


def test_a_kill_is_never_sooner_than_its_gap() -> None:
    """Also where the last one was struck between two seconds."""
    late = changed(intent(), reserved_at=NOW + 999 * MOMENT)
    ledger = healed(led(), late)
    assert rests(ledger, HOUR, HOUR) == [Code.MIN_GAP]
    assert rests(ledger, HOUR + SECOND, HOUR) == []
