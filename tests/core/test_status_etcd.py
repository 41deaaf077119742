"""Whether a policy may take a member of etcd down, as a status tells it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chaosd.core.admission import Circumstances
from chaosd.core.etcd_answer import EtcdAnswer
from chaosd.core.ledger import Verdict
from chaosd.core.model import Action, Code, Limits, Reason, TargetKind
from chaosd.core.status import Known, Status, status
from tests.core.test_status import ledger, open_intent
from tests.report.scene import START, configuration, policy

ILL = Reason(Code.ETCD_UNHEALTHY, "etcd main: 2 of 3 voters healthy")


def cluster(name: str = "main", *against: Reason, seconds: float = 0) -> EtcdAnswer:
    """A cluster as it was seen that many seconds ago."""
    at = START - timedelta(seconds=seconds)
    return EtcdAnswer(name, at, 3, 3, 2, 1, "etcd-0", against, ())


def look(*seen: EtcdAnswer, looks: bool = True, **changes: Any) -> Status:
    """The status of a policy of two clusters, and of whatever else is given."""
    of_etcd = policy(
        *("etcd",),
        target=TargetKind.ETCD,
        action=changes.pop("action", Action.KILL),
        clusters=changes.pop("clusters", ("main",)),
        dry_run=changes.pop("dry_run", False),
    )
    return status(
        changes.get("ledger", ledger()),
        configuration(of_etcd, limits=Limits()),
        Circumstances(now=START),
        known=Known(etcd=seen if looks else None),
    )


@pytest.mark.parametrize(
    ("seen", "can_kill", "because"),
    [
        ((cluster(),), True, ()),
        ((cluster("main", ILL),), False, (str(ILL),)),
        ((), None, ("etcd: etcd main has not been looked at yet",)),
        ((cluster("other"),), None, ("etcd: etcd main has not been looked at yet",)),
        ((cluster(seconds=130),), None, ("etcd: etcd main was last looked at 2m10s ago",)),
        (
            (cluster("main", ILL, seconds=130),),
            None,
            ("etcd: etcd main was last looked at 2m10s ago",),
        ),
    ],
)
def test_what_the_watch_knows_decides(
    seen: tuple[EtcdAnswer, ...], can_kill: bool | None, because: tuple[str, ...]
) -> None:
    """A reason forbids, and nothing known is no permission."""
    found = look(*seen)
    assert (found.can_kill, found.because) == (can_kill, because)


@pytest.mark.parametrize(
    ("seen", "can_kill"),
    [
        ((cluster("a"), cluster("b", ILL)), True),
        ((cluster("a", ILL), cluster("b", ILL)), False),
        ((cluster("a", ILL),), None),
    ],
)
def test_one_of_several_clusters_is_enough(
    seen: tuple[EtcdAnswer, ...], can_kill: bool | None
) -> None:
    """Only when each is known to miss none, the policy can't strike."""
    assert look(*seen, clusters=("a", "b")).can_kill is can_kill


def test_who_does_not_look_claims_nothing() -> None:
    """A command knows the ledger, and not how members are."""
    found = look(looks=False)
    assert (found.can_kill, found.etcd) == (None, ())
    assert found.because == ("etcd: the members of etcd main are not looked at from here",)
    assert look(looks=False, dry_run=True).can_kill is False


@pytest.mark.parametrize(
    ("verdict", "begins"),
    [(None, "under way: a kill by policy etcd, victim "), (Verdict.NOT_RECOVERED, "has not rec")],
)
def test_what_is_open_counts_before_anybody_has_looked(
    verdict: Verdict | None, begins: str
) -> None:
    """The ledger is newer than the picture of a cluster that seems well."""
    struck = open_intent(policy="etcd", action=Action.KILL, locks=("Etcd/main",), verdict=verdict)
    found = look(cluster(seconds=10), cluster("other"), ledger=ledger(struck))
    assert found.can_kill is False
    assert found.because[0].startswith(f"locked: etcd main: {begins}")
    assert [len(one.under_way) for one in found.etcd] == [1, 0]
    old = look(cluster(seconds=500), ledger=ledger(struck))
    assert old.can_kill is False


def test_a_halt_needs_no_look() -> None:
    """What forbids it anyway is enough: then nothing is unknown."""
    found = look(ledger=msgspec.structs.replace(ledger(), leader=None))
    assert found.can_kill is False
    assert found.policies[0].unknown == ""


@pytest.mark.parametrize(
    ("action", "does"),
    [(Action.KILL, "kill one etcd member"), (Action.MOVE_LEADER, "move the leader of etcd")],
)
def test_what_it_does_is_no_more_than_one_member(action: Action, does: str) -> None:
    """``kill etcd`` would be all of it."""
    assert look(cluster(), action=action).policies[0].does == does
