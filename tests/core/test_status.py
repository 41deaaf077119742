"""What people are told about how things stand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chaosd.core.admission import Circumstances
from chaosd.core.lease import LeaseSpec
from chaosd.core.ledger import Halt, Intent, Leader, Ledger, Result, Step, StepState, Verdict
from chaosd.core.model import Action, Code, Configuration, Limits, TargetKind
from chaosd.core.status import NEWEST, Known, LastAttempt, Status, status
from chaosd.core.status_parts import LimitUse, State
from tests.report.scene import START, VICTIM, configuration, nights, policy

HALT = Halt("alice", "deploy freeze", START - timedelta(minutes=5))
LEADER = Leader("chaosd-0.aaaa", 3, START - timedelta(hours=2))
AROUND = Circumstances(now=START)


def ago(**span: float) -> Any:
    return START - timedelta(**span)


def intent(number: int = 0, **changes: Any) -> Intent:
    """A real kill that recovered, with some fields changed."""
    at = ago(hours=3, minutes=number)
    step = Step(1, VICTIM, "chaosd-0.aaaa", 3, at, at + timedelta(seconds=10), StepState.KILLED)
    plain = Intent(
        id=f"{number:020x}",
        action_id=f"web/*/x#{number}",
        policy="web",
        target=TargetKind.POD,
        action=Action.EVICT,
        workload="shop/Deployment/web",
        victim=VICTIM,
        reserved_at=at,
        deadline=600,
        recover_by=at + timedelta(minutes=10),
        steps=(step,),
        result=Result.KILLED,
        settled_at=at,
        verdict=Verdict.RECOVERED,
        verdict_at=at + timedelta(seconds=34),
        closed_at=at + timedelta(seconds=34),
    )
    return msgspec.structs.replace(plain, **changes)


def open_intent(**changes: Any) -> Intent:
    """A kill that nobody has seen recover."""
    return intent(**{"verdict": None, "verdict_at": None, "closed_at": None, **changes})


def ledger(*intents: Intent, **changes: Any) -> Ledger:
    """A ledger with a leader and these intents."""
    still_open = {one.id: one for one in intents if one.closed_at is None}
    closed = {one.id: one for one in intents if one.closed_at is not None}
    return Ledger(**{"leader": LEADER, "intents": still_open, "outcomes": closed, **changes})


def seen(
    book: Ledger | None = None,
    settings: Configuration | None = None,
    known: Known | None = None,
    **around: Any,
) -> Status:
    """The status of a ledger (one with nothing but a leader) under a live configuration."""
    return status(
        book or ledger(),
        settings or configuration(),
        msgspec.structs.replace(AROUND, **around),
        known=known or Known(),
    )


def test_nothing_speaks_against_a_quiet_live_configuration() -> None:
    """Without halt, window, limit or trouble a live policy can kill, and no reason is given."""
    found = seen()
    assert (found.can_kill, found.because) == (True, ())


@pytest.mark.parametrize(
    ("book", "settings", "around", "because"),
    [
        (ledger(halt=HALT), None, {}, "halted: by alice: deploy freeze"),
        (ledger(), None, {"annotation_halt": "stop"}, "halted: by annotation: stop"),
        (ledger(), configuration(halted=True), {}, "halted: by the configuration: halted: true"),
        (ledger(paused={"web": HALT}), None, {}, "policyPaused: by alice: deploy freeze"),
        (ledger(), None, {"problems": ("line 3: 25:00",)}, "configurationInvalid: line 3: 25:00"),
        (ledger(leader=None), None, {}, "notLeading: nobody leads"),
        (
            ledger(),
            configuration(policy(windows=nights())),
            {},
            "windowClosed: outside every allow window (Mon-Sun 22:00-06:00 UTC)",
        ),
        (
            ledger(open_intent(verdict=Verdict.NOT_RECOVERED)),
            None,
            {},
            "limitConcurrent: all policies: 1 of 1 not recovered yet",
        ),
        (
            ledger(intent(reserved_at=ago(minutes=30))),
            configuration(limits=Limits(per_hour=1)),
            {},
            "limitPerHour: all policies: 1 of 1 in the last 60 minutes",
        ),
    ],
)
def test_each_obstacle_is_named(
    book: Ledger, settings: Configuration | None, around: dict[str, Any], because: str
) -> None:
    """Whatever keeps chaosd from killing is said, in the words of a skipped attempt."""
    found = seen(book, settings, **around)
    assert (found.can_kill, found.because) == (False, (because,))


def test_an_unusable_ledger_comes_first() -> None:
    """Without a ledger nothing can be killed, and that is the first thing said."""
    found = status(None, configuration(), AROUND, ledger_problem="the ledger is gone")
    assert found.can_kill is False
    assert found.because == ("ledgerUnreadable: the ledger is gone",)
    assert found.ledger_problem == "the ledger is gone"


def test_without_a_configuration_only_a_no_is_sure() -> None:
    """A command that has no configuration does not claim that anything could be killed."""
    assert status(ledger(), None, AROUND).can_kill is None
    halted = status(ledger(halt=HALT), None, AROUND)
    assert (halted.can_kill, halted.because) == (False, ("halted: by alice: deploy freeze",))


def test_what_binds_all_policies_is_said_once() -> None:
    """Shared reasons come first and once; a policy's own reasons carry its name."""
    settings = configuration(policy(), policy("night", windows=nights()), halted=True)
    assert seen(settings=settings).because == (
        "halted: by the configuration: halted: true",
        "night: windowClosed: outside every allow window (Mon-Sun 22:00-06:00 UTC)",
    )


def test_one_free_policy_is_enough_to_kill() -> None:
    """What blocks one policy blocks only that one."""
    found = seen(settings=configuration(policy(), policy("night", windows=nights())))
    assert found.can_kill is True
    assert [bool(one.against) for one in found.policies] == [False, True]


def test_a_dry_run_never_kills() -> None:
    """Policies that touch nothing don't count, however free they are."""
    found = seen(settings=configuration(policy(dry_run=True)))
    assert found.can_kill is False
    assert found.because == ("every policy is a dry run: nothing is touched",)


def test_halts_say_who_why_and_when() -> None:
    """All three sources of a halt show together; only a command leaves a name and a time."""
    found = seen(ledger(halt=HALT), configuration(halted=True), annotation_halt="")
    assert [(h.source, h.why, h.since) for h in found.halts] == [
        ("command", "deploy freeze", HALT.at),
        ("annotation", "no reason given", None),
        ("configuration", "halted: true", None),
    ]


def test_limits_count_real_kills_and_dry_runs_apart() -> None:
    """Global limits show twice when a policy is a dry run, a policy's own with its own kind."""
    dry = intent(
        1,
        policy="dry",
        dry_run=True,
        reserved_at=ago(minutes=1),
        result=Result.DRY_RUN,
        verdict=None,
    )
    settings = configuration(
        policy(),
        policy("dry", dry_run=True, limits=Limits(per_day=5)),
        limits=Limits(per_hour=6),
    )
    assert seen(ledger(dry, intent(2, reserved_at=ago(minutes=2))), settings).limits == (
        LimitUse("all", "perHour", 1, 6, 5, dry_run=False),
        LimitUse("all", "perHour", 1, 6, 5, dry_run=True),
        LimitUse("dry", "perDay", 1, 5, 4, dry_run=True),
    )


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, State.RECOVERING),
        ({"verdict": Verdict.NOT_RECOVERED}, State.UNRECOVERED),
        ({"result": None}, State.UNDER_WAY),
        (
            {
                "result": None,
                "steps": (Step(1, VICTIM, "h", 1, START, START + timedelta(seconds=10)),),
            },
            State.STRIKING,
        ),
    ],
)
def test_open_intents_say_where_they_are(changes: dict[str, Any], state: State) -> None:
    """Each stage of an intent's life has a name of its own."""
    (one,) = seen(ledger(open_intent(**changes, seen="2 of 3 Ready"))).open_intents
    assert (one.state, one.seen, one.victim) == (state, "2 of 3 Ready", "shop/web-7f9c-x2k4p")


def test_an_unrecovered_workload_comes_with_the_command_that_forgives_it() -> None:
    """Nobody has to look up what to type at 3 a.m."""
    stuck = open_intent(verdict=Verdict.NOT_RECOVERED, verdict_at=ago(hours=1))
    (one,) = seen(ledger(stuck, open_intent(number=1))).unrecovered
    assert one.command == "chaosd forgive shop/Deployment/web"
    assert one.since == ago(hours=1)


def test_the_newest_outcomes_come_first() -> None:
    """Twenty outcomes are shown, the last one on top, with how long it took to recover."""
    book = ledger(*(intent(number) for number in range(25)))
    found = seen(book).outcomes
    assert [int(one.intent, 16) for one in found] == list(range(NEWEST))
    assert {one.seconds for one in found} == {34.0}


@pytest.mark.parametrize("verdict", [Verdict.NOT_RECOVERED, Verdict.FORGIVEN, Verdict.CLOSED, None])
def test_only_a_recovery_has_a_duration(verdict: Verdict | None) -> None:
    """What did not recover in time has no recovery time that would look good in a table."""
    (one,) = seen(ledger(intent(verdict=verdict))).outcomes
    assert one.seconds is None


def lease(holder: str, renewed: str) -> LeaseSpec:
    return LeaseSpec(holder_identity=holder, renew_time=renewed)


@pytest.mark.parametrize(
    ("spec", "because"),
    [
        (lease("chaosd-0.aaaa", "2026-11-05T09:59:57.000000Z"), ()),
        (
            lease("chaosd-0.aaaa", "2026-11-05T09:50:00.000000Z"),
            ("notLeading: chaosd-0.aaaa renewed its lease 10m ago: does chaosd run?",),
        ),
        (
            lease("", "2026-11-05T09:59:57.000000Z"),
            ("notLeading: chaosd-0.aaaa does not hold the lease any more",),
        ),
        (
            lease("chaosd-0.aaaa", "nonsense"),
            ("notLeading: chaosd-0.aaaa does not hold the lease any more",),
        ),
    ],
)
def test_a_dead_leader_is_noticed_by_its_lease(spec: LeaseSpec, because: tuple[str, ...]) -> None:
    """A command that reads the Lease sees that nobody is at work, and says so."""
    found = seen(known=Known(lease=spec))
    assert (found.can_kill, found.because) == (not because, because)


def test_a_leader_whose_lease_ran_out_cannot_kill() -> None:
    """The process that leads by the ledger is asked for its lease."""
    found = seen(known=Known(holder="chaosd-0.aaaa"), leading=False)
    assert found.can_kill is False
    assert found.policies[0].against[0].code is Code.NOT_LEADING


def test_a_standby_speaks_for_the_leader() -> None:
    """A process that does not lead does not count its own lease, clock or end against chaosd."""
    found = seen(known=Known(holder="chaosd-1.bbbb"), leading=False, stopping=True, skew=None)
    assert found.can_kill is True
    assert found.leader is not None
    assert found.leader.here is False


def test_a_commands_slow_clock_says_nothing_about_the_daemon() -> None:
    """Entries newer than a laptop's clock don't look like a clock that runs backwards."""
    late = ledger(intent(reserved_at=START + timedelta(seconds=20)))
    assert seen(late).can_kill is True
    here = seen(late, known=Known(holder="chaosd-0.aaaa"))
    assert here.policies[0].against[0].code is Code.CLOCK_BACKWARDS


def test_what_a_process_remembers_wins_over_the_ledger() -> None:
    """The ledger knows no skipped attempts; without a memory its newest intent is the last."""
    book = ledger(intent(1), intent(2))
    (web,) = seen(book).policies
    assert web.last_attempt == LastAttempt(ago(hours=3, minutes=1), "web/*/x#1", "killed")
    skipped = LastAttempt(START, "web/*/y#0", "skipped")
    known = Known(
        attempts={"web": skipped}, next_slots={"web": START}, funnels={"web": {"eligible": 2}}
    )
    (web,) = seen(book, known=known).policies
    assert (web.last_attempt, web.next_slot, web.candidates) == (skipped, START, {"eligible": 2})


def test_windows_say_when_they_change() -> None:
    """A closed window names its reason and its opening, an open one until when one may strike."""
    (night,) = seen(settings=configuration(policy(windows=nights()))).policies
    assert not night.window.open
    assert night.window.next_change == START.replace(hour=22)
    assert night.window.strikeable_until is None
    (night,) = seen(
        settings=configuration(policy(windows=nights())), now=START.replace(hour=23)
    ).policies
    assert night.window.open
    # The deadline of ten minutes has to fit before 06:00.
    assert night.window.strikeable_until == START.replace(day=6, hour=5, minute=50)


def test_it_goes_into_json_and_back() -> None:
    """Programs get camelCase keys and RFC 3339 instants, and nothing is lost."""
    found = seen(ledger(open_intent(), intent(1), halt=HALT), known=Known(holder="x"))
    text = msgspec.json.encode(found)
    raw = msgspec.json.decode(text)
    assert raw["canKill"] is False
    assert raw["halts"][0]["since"] == "2026-11-05T09:55:00Z"
    assert raw["openIntents"][0]["recoverBy"] == "2026-11-05T07:10:00Z"
    assert msgspec.json.decode(text, type=Status) == found
