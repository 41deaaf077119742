"""What the newest configuration says right before a step is sent, and to what is under way."""

from __future__ import annotations

import msgspec
import pytest

from chaosd.core import transitions
from chaosd.core.admission import Circumstances, ending, may_strike
from chaosd.core.ledger import Intent
from chaosd.core.model import (
    Action,
    BudgetMode,
    Configuration,
    MemberRole,
    Policy,
    TargetKind,
)
from chaosd.core.window import Always, Weekly, Windows
from tests.core.ledgers import HOUR, NOW, STOP, changed, configuration, intent, led, policy

BYPASSING = intent(pdb=BudgetMode.BYPASS)
DRAIN = intent(
    "nodes", "Node/n1", target=TargetKind.NODE, action=Action.DRAIN, window_until=NOW + HOUR
)
MEMBER = intent("members", "Etcd/main", target=TargetKind.ETCD, action=Action.KILL)
MEMBERS = policy("members", target=TargetKind.ETCD, action=Action.KILL, clusters=("main",))
FREEZE = Windows("UTC", (), (Always("freeze"),))
EVENINGS = Windows("UTC", ((Weekly(frozenset(range(7)), 18 * 3600, 20 * 3600),),))


def nodes(**fields: object) -> Policy:
    return policy("nodes", **{"target": TargetKind.NODE, "action": Action.DRAIN, **fields})


def members(**fields: object) -> Policy:
    return msgspec.structs.replace(MEMBERS, **fields)


@pytest.mark.parametrize(
    ("one", "settings"),
    [
        (intent(), configuration()),
        (intent(), configuration(policy("api"), policy())),
        (intent(), configuration(policy(pdb=BudgetMode.BYPASS))),
        (intent(), configuration(policy(), policy("api", dry_run=True, windows=FREEZE))),
        (BYPASSING, configuration(policy(pdb=BudgetMode.BYPASS))),
        (DRAIN, configuration(nodes())),
        (MEMBER, configuration(members(clusters=("other", "main")))),
        (MEMBER, configuration(members(member=MemberRole.LEADER))),
    ],
)
def test_what_still_wants_it(one: Intent, settings: Configuration) -> None:
    """Its own policy stands as it did, whatever is said of others."""
    assert may_strike(settings, one, NOW) == ()
    assert ending(led(), settings, one, Circumstances(NOW)) == ""


@pytest.mark.parametrize(
    ("one", "settings", "expected"),
    [
        (
            intent(),
            configuration(policy("api")),
            "configurationChanged: policy web is not configured any more",
        ),
        (
            intent(),
            configuration(policy(action=Action.CRASH)),
            "configurationChanged: policy web asks for a crash now, not for an eviction",
        ),
        (
            DRAIN,
            configuration(nodes(action=Action.REBOOT)),
            "configurationChanged: policy nodes asks for a reboot now, not for a drain",
        ),
        (
            MEMBER,
            configuration(policy("members")),
            "configurationChanged: policy members asks for an eviction now, not for a kill",
        ),
        (
            intent(),
            configuration(policy(dry_run=True)),
            "configurationChanged: policy web is a dry run now",
        ),
        (
            BYPASSING,
            configuration(policy()),
            "configurationChanged: policy web respects PodDisruptionBudgets now",
        ),
        (
            MEMBER,
            configuration(members(clusters=("other",))),
            "notOptedIn: policy members does not name Etcd/main any more",
        ),
        (
            intent(),
            configuration(policy(windows=FREEZE)),
            "windowClosed: denied by 'freeze' (always)",
        ),
        (
            DRAIN,
            configuration(nodes(windows=EVENINGS)),
            "windowClosed: outside every allow window (Mon-Sun 18:00-20:00 UTC)",
        ),
        (intent(), configuration(halted=True), "halted: by the configuration: halted: true"),
    ],
)
def test_what_no_longer_wants_it(one: Intent, settings: Configuration, expected: str) -> None:
    """Nothing more is sent, and an action of several steps is called off for the same reason."""
    assert [str(reason) for reason in may_strike(settings, one, NOW)] == [expected]
    assert ending(led(), settings, one, Circumstances(NOW)) == expected


@pytest.mark.parametrize(
    ("settings", "problems", "expected"),
    [
        (configuration(), ("line 3", "line 9"), "configurationInvalid: line 3"),
        (configuration(halted=True), ("line 3",), "configurationInvalid: line 3"),
        (None, ("line 3",), "configurationInvalid: line 3"),
        (None, (), "configurationInvalid: there is no valid configuration"),
    ],
)
def test_an_invalid_file(
    settings: Configuration | None, problems: tuple[str, ...], expected: str
) -> None:
    """Somebody may be trying to stop it: nothing is sent, whatever the last valid one says."""
    assert [str(reason) for reason in may_strike(settings, intent(), NOW, problems)] == [expected]


def test_an_invalid_file_calls_nothing_off() -> None:
    """What is under way waits for a valid one, or for its deadline."""
    around = Circumstances(NOW, problems=("line 3",))
    assert ending(led(), configuration(nodes()), DRAIN, around) == ""


def test_all_that_speaks_against_it_is_said() -> None:
    """A halt first."""
    settings = configuration(policy(dry_run=True, windows=FREEZE), halted=True)
    assert [reason.code for reason in may_strike(settings, BYPASSING, NOW)] == [
        "halted",
        "configurationChanged",
        "configurationChanged",
        "windowClosed",
    ]


def test_what_calls_it_off_first() -> None:
    """A person, then a halt, then the configuration."""
    gone, around = configuration(policy("api")), Circumstances(NOW)
    stopped = transitions.halt(led(), STOP)
    called_off = changed(DRAIN, ended_by="ann")
    assert ending(stopped, gone, called_off, around) == "called off by ann"
    assert ending(stopped, gone, DRAIN, around) == "halted: by ann: release"
