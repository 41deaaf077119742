"""Admission: every answer that keeps an action from being taken now, each alone and all at once."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec
import pytest

from chaosd.core import transitions
from chaosd.core.admission import (
    MAX_LATE,
    Circumstances,
    admit,
    may_go_on,
    window_reasons,
)
from chaosd.core.ledger import Ledger, StepState
from chaosd.core.model import Code, Configuration, Limits, Policy, Reasons
from chaosd.core.window import Always, Dates, Weekly, Windows
from tests.core.ledgers import (
    API,
    HOUR,
    LEADER,
    MOMENT,
    NOW,
    SECOND,
    STOP,
    changed,
    configuration,
    did,
    dry,
    healed,
    intent,
    killed,
    led,
    policy,
    reserved,
    settled,
    stuck,
)

OFFICE = Windows("UTC", ((Weekly(frozenset(range(5)), 9 * 3600, 17 * 3600),),))  # NOW is 10:00
ACTION = "web/*/2026-03-04T10:00:00Z#0"

UNKNOWN = f"the outcome of intent {intent('api').id} is not known yet"


def asked(
    ledger: Ledger | None = None,
    settings: Configuration | None = None,
    one: Policy | None = None,
    *,
    at: datetime = NOW,
    action: str = ACTION,
    **around: object,
) -> Reasons:
    """What speaks against an action, all being fine but what is given."""
    circumstances = Circumstances(**{"now": NOW, **around})  # type: ignore[arg-type]
    return admit(
        ledger or led(), settings or configuration(), one or policy(), action, at, circumstances
    )


def texts(reasons: Reasons) -> list[str]:
    return [str(reason) for reason in reasons]


def test_what_nothing_speaks_against_is_admitted() -> None:
    """In an empty ledger and after kills that are over."""
    for ledger in (Ledger(), led(), healed(led(), intent()), reserved(led(), dry())):
        assert asked(ledger) == ()


@pytest.mark.parametrize(
    ("around", "expected"),
    [
        ({"stopping": True}, ["stopping: this process is being stopped"]),
        ({"leading": False}, ["notLeading: this process does not hold the lease"]),
        ({"problems": ("line 3", "line 9")}, ["configurationInvalid: line 3"]),
        ({"changed": True}, ["configurationChanged: it changed since the slot began"]),
        ({"annotation_halt": "stop it"}, ["halted: by annotation: stop it"]),
        ({"annotation_halt": ""}, ["halted: by annotation: no reason given"]),
        ({"skew": None}, ["clockUnknown: the API server's time is not known"]),
        ({"skew": 5.0}, []),
        ({"skew": -5.0}, []),
        ({"skew": 5.1}, ["clockSkew: the API server's clock differs by +5.1 s"]),
        ({"skew": -7.0}, ["clockSkew: the API server's clock differs by -7.0 s"]),
        ({"now": NOW + MAX_LATE}, []),
        ({"now": NOW + MAX_LATE + MOMENT}, ["tooLate: 30 s after its slot"]),
        ({"now": NOW + HOUR}, ["tooLate: 3600 s after its slot"]),
    ],
)
def test_circumstances(around: dict[str, object], expected: list[str]) -> None:
    """What the process knows of itself, its configuration and its clock."""
    assert texts(asked(**around)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ledger", "expected"),
    [
        (transitions.halt(led(), STOP), ["halted: by ann: release"]),
        (transitions.halt(led(), STOP, "web"), ["policyPaused: by ann: release"]),
        (transitions.halt(led(), STOP, "api"), []),
        (transitions.resume(transitions.halt(led(), STOP)), []),
        (reserved(led(), intent("api")), [f"unsettledIntent: {UNKNOWN}"]),
        (killed(led(), intent("api")), []),
        (stuck(), []),
        (settled(led(), intent("api"), StepState.REFUSED), []),
    ],
)
def test_halts_and_what_is_not_known_yet(ledger: Ledger, expected: list[str]) -> None:
    """A halt stops all, a pause its policy, and an unknown outcome anywhere stops all."""
    assert texts(asked(ledger, now=NOW + HOUR, at=NOW + HOUR)) == expected


def test_a_halt_can_live_in_the_configuration() -> None:
    """It is one reason of its own, beside the others."""
    halted = configuration(halted=True)
    assert texts(asked(transitions.halt(led(), STOP), halted, annotation_halt="x")) == [
        "halted: by ann: release",
        "halted: by annotation: x",
        "halted: by the configuration: halted: true",
    ]


def test_an_action_that_is_in_the_ledger_is_not_taken_again() -> None:
    """Whether it is under way or over, whatever became of it, real or dry."""
    one = intent(action_id=ACTION)
    for ledger in (
        killed(led(), one),
        healed(led(), one),
        settled(led(), one, StepState.FAILED),
        reserved(led(), changed(one, dry_run=True)),
    ):
        assert texts(asked(ledger)) == [f"alreadyAttempted: {ACTION}"]
        assert asked(ledger, action=ACTION.replace("#0", "#1")) == ()


@pytest.mark.parametrize("seconds", [-1, 0, 1])
@pytest.mark.parametrize("stamp", ["settled_at", "verdict_at", "closed_at"])
def test_a_clock_before_the_newest_entry_is_wrong(stamp: str, seconds: int) -> None:
    """Each instant that the ledger holds of terms, intents and steps counts."""
    at = NOW + seconds * SECOND
    one = intent("api", API, NOW - HOUR, steps=(), closed_at=NOW - HOUR)
    ledger = msgspec.structs.replace(led(), outcomes={one.id: changed(one, **{stamp: at})})
    step = msgspec.structs.replace(intent().steps[0], reserved_at=NOW - HOUR, settled_at=at)
    by_step = msgspec.structs.replace(led(), outcomes={one.id: changed(one, steps=(step,))})
    by_term = transitions.lead(led(), "b", at)
    for candidate in (ledger, by_step, by_term):
        codes = [reason.code for reason in asked(candidate)]
        assert codes == ([Code.CLOCK_BACKWARDS] if seconds > 0 else [])


def test_a_person_s_clock_does_not_count_where_it_only_says_when() -> None:
    """Halts and pauses may come from a laptop that goes wrong."""
    late = msgspec.structs.replace(STOP, at=NOW + 9 * HOUR)
    ledger = transitions.halt(led(), late, "api")
    assert asked(ledger) == ()


@pytest.mark.parametrize(
    ("now", "deadline", "expected"),
    [
        ("09:00:00", 10, []),
        ("08:59:59", 10, [Code.WINDOW_CLOSED]),
        ("16:49:59", 10, []),
        ("16:50:00", 10, [Code.WINDOW_TOO_SHORT]),
        ("16:59:59", 10, [Code.WINDOW_TOO_SHORT]),
        ("17:00:00", 10, [Code.WINDOW_CLOSED]),
        ("09:00:00", 8 * 60, [Code.WINDOW_TOO_SHORT]),
    ],
)
def test_only_what_can_recover_in_its_window_is_struck(
    now: str, deadline: int, expected: list[Code]
) -> None:
    """The last strikeable instant lies a deadline before the window closes."""
    one = policy(windows=OFFICE, deadline=timedelta(minutes=deadline))
    at = datetime.fromisoformat(f"2026-03-04T{now}Z")
    assert [reason.code for reason in window_reasons(one, at)] == expected
    assert [reason.code for reason in asked(Ledger(), one=one, now=at, at=at)] == expected


def test_windows_say_why() -> None:
    """Which rule keeps them closed, or when they close."""
    one = policy(windows=OFFICE)
    [closed] = window_reasons(one, NOW - 2 * HOUR)
    assert closed.detail == "outside every allow window (Mon-Fri 09:00-17:00 UTC)"
    [denied] = window_reasons(policy(windows=Windows("UTC", (), (Always("freeze"),))), NOW)
    assert denied.detail == "denied by 'freeze' (always)"
    [short] = window_reasons(one, NOW + 7 * HOUR - SECOND)
    assert short.detail == "open only until 2026-03-04T17:00:00Z, within the deadline of 10m"
    freeze = Dates(date(2028, 4, 1), date(2028, 4, 1))
    endless = policy(windows=Windows("UTC", (), (freeze,)), deadline=timedelta(days=800))
    [never] = window_reasons(endless, NOW)
    assert never.detail == "the deadline of 800d is longer than anybody can look ahead"


def test_all_answers_are_collected() -> None:
    """People see everything that is in the way at once, not one after the other."""
    ledger = transitions.halt(transitions.halt(led(), STOP), STOP, "web")
    ledger = reserved(ledger, intent("web", action_id=ACTION))
    one = policy("web", windows=OFFICE, limits=Limits(1, 1, 1))
    settings = configuration(one, halted=True, limits=Limits(1, 1, 1))
    reasons = asked(
        ledger,
        settings,
        one,
        now=NOW - 2 * HOUR,
        at=NOW - 3 * HOUR,
        stopping=True,
        leading=False,
        skew=9.0,
        problems=("line 3",),
        changed=True,
        annotation_halt="",
    )
    assert {reason.code for reason in reasons} == {
        Code.STOPPING,
        Code.NOT_LEADING,
        Code.CONFIGURATION_INVALID,
        Code.CONFIGURATION_CHANGED,
        Code.HALTED,
        Code.POLICY_PAUSED,
        Code.ALREADY_ATTEMPTED,
        Code.TOO_LATE,
        Code.UNSETTLED_INTENT,
        Code.CLOCK_SKEW,
        Code.CLOCK_BACKWARDS,
        Code.WINDOW_CLOSED,
        Code.LIMIT_PER_HOUR,
        Code.LIMIT_PER_DAY,
        Code.LIMIT_CONCURRENT,
    }


# ------------------------------------------------------------------ further steps


def going_on(ledger: Ledger, settings: Configuration | None = None, **around: object) -> list[Code]:
    one = intent(window_until=NOW + HOUR)
    circumstances = Circumstances(**{"now": NOW, **around})  # type: ignore[arg-type]
    reasons = may_go_on(ledger, settings or configuration(), one, circumstances)
    return [reason.code for reason in reasons]


@pytest.mark.parametrize(
    ("around", "expected"),
    [
        ({}, []),
        ({"stopping": True}, [Code.STOPPING]),
        ({"leading": False}, [Code.NOT_LEADING]),
        ({"problems": ("line 3",)}, [Code.CONFIGURATION_INVALID]),
        ({"annotation_halt": ""}, [Code.HALTED]),
        ({"skew": None}, [Code.CLOCK_UNKNOWN]),
        ({"skew": 6.0}, [Code.CLOCK_SKEW]),
        ({"now": NOW + HOUR - MOMENT}, []),
        ({"now": NOW + HOUR}, [Code.WINDOW_CLOSED]),
        ({"now": NOW - 2 * HOUR}, [Code.CLOCK_BACKWARDS]),
    ],
)
def test_a_further_step_asks_again(around: dict[str, object], expected: list[Code]) -> None:
    """Whatever stops a new action stops the next eviction of a drain."""
    assert going_on(led(), **around) == expected  # type: ignore[arg-type]


def test_a_further_step_stops_for_a_halt_and_not_for_limits() -> None:
    """Its intent was counted when it was reserved, so limits are no matter any more."""
    own = reserved(led(), intent(window_until=NOW + HOUR))
    full = configuration(limits=Limits(0, 0, 0))
    assert going_on(own, full) == []
    assert going_on(transitions.halt(own, STOP)) == [Code.HALTED]
    assert going_on(transitions.halt(own, STOP, "web")) == [Code.POLICY_PAUSED]
    assert going_on(transitions.halt(own, STOP, "api")) == []
    assert going_on(own, configuration(halted=True)) == [Code.HALTED]


def test_an_intent_without_a_window_s_end_goes_on() -> None:
    """Windows that never close have none."""
    around = Circumstances(NOW + 99 * HOUR)
    assert may_go_on(led(), configuration(), intent(window_until=None), around) == ()


def test_reserving_settles_what_admission_asked() -> None:
    """Of two attempts that were both admitted, the ledger lets only one id and one lock in."""
    one, other = intent(action_id=ACTION), intent(action_id=ACTION.replace("#0", "#1"))
    assert asked(led()) == asked(led(), action=other.action_id) == ()
    ledger = did(transitions.reserve(led(), LEADER, one))
    for second in (one, other):
        assert isinstance(transitions.reserve(ledger, LEADER, second), transitions.Refusal)
