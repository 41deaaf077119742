"""``chaosd undo``, over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chaosd.core.ledger import Intent, Ledger, Result, Step, StepState
from chaosd.core.model import Action, StepAction, TargetKind, Undo, Victim
from chaosd.sandbox import Denial
from tests.cli.shop import Shop
from tests.cli.support import chaosd

ID = "a" * 20


def taint(shop: Shop, node: str = "node-a", value: str = ID) -> None:
    with shop.cluster.edit("nodes", "", node) as item:
        mine = {"key": "chaosd.io/drain", "value": value, "effect": "NoSchedule"}
        item["spec"]["taints"] = [{"key": "team", "value": "x", "effect": "NoSchedule"}, mine]


def taints(shop: Shop, node: str = "node-a") -> list[str]:
    item = shop.cluster.get("nodes", "", node)
    assert item is not None
    return [one["key"] for one in item["spec"].get("taints", ())]


def drain(shop: Shop, node: str = "node-a", intent: str = ID, **changes: Any) -> Intent:
    """A node that somebody tainted a minute ago and drained."""
    item = shop.cluster.get("nodes", "", node)
    assert item is not None
    meta = item["metadata"]
    victim = Victim("", node, meta["uid"], meta["resourceVersion"], node, "Node")
    at = shop.now - timedelta(minutes=1)
    step = Step(
        number=1,
        victim=victim,
        holder="chaosd-0",
        term=1,
        reserved_at=at,
        strike_by=at + timedelta(seconds=10),
        state=StepState.DONE,
        settled_at=at,
        action=StepAction.TAINT,
    )
    made = Intent(
        id=intent,
        action_id=f"weekly/{node}/then#0",
        policy="weekly",
        target=TargetKind.NODE,
        action=Action.DRAIN,
        workload=f"Node/{node}",
        victim=victim,
        reserved_at=at,
        deadline=900,
        recover_by=at + timedelta(minutes=15),
        steps=(step,),
        result=Result.KILLED,
        settled_at=at,
        undo=Undo(node, meta["uid"], intent),
        hold=300.0,
    )
    return msgspec.structs.replace(made, **changes)


def holding(shop: Shop) -> None:
    """A chaosd that is gone has node-a out of service."""
    shop.write(shop.holding(drain(shop)))
    taint(shop)


def test_without_names_it_lists_what_is_owed(shop: Shop) -> None:
    """The node, since and until when, by which policy and intent; nothing is changed."""
    holding(shop)
    answer = shop.say("undo")
    assert answer.code == 0
    for part in ("node-a", ID, "weekly", "held", "chaosd undo --all"):
        assert part in answer.out
    assert taints(shop) == ["team", "chaosd.io/drain"]
    (owed,) = shop.say("undo", "-o", "json").json["owed"]
    assert (owed["node"], owed["intent"], owed["phase"]) == ("node-a", ID, "held")


@pytest.mark.parametrize("name", ["node-a", "Node/node-a", "node/node-a", ID])
def test_a_node_is_put_back_by_its_name_or_its_intents(shop: Shop, name: str) -> None:
    """Without a leader it is done from here; other taints stay; again it is nothing to do."""
    holding(shop)
    answer = shop.say("undo", name)
    assert (answer.code, taints(shop)) == (0, ["team"])
    assert f"node node-a takes pods again (intent {ID})" in answer.out
    intent = shop.ledger().intents[ID]
    assert not intent.owes_undo
    assert intent.ended_by == "ann@laptop"
    again = shop.say("undo", name)
    assert (again.code, "nothing is owed" in again.out) == (0, True)


def test_all_of_it_in_json(shop: Shop) -> None:
    """Programs read what is back and what is not."""
    shop.write(shop.holding(drain(shop), drain(shop, "node-b", "b" * 20)))
    taint(shop)
    taint(shop, "node-b", "b" * 20)
    answer = shop.say("undo", "--all", "-o", "json")
    assert answer.code == 0
    assert [one["node"] for one in answer.json["undone"]] == ["node-a", "node-b"]
    assert answer.json["owed"] == []
    assert (taints(shop), taints(shop, "node-b")) == (["team"], ["team"])


def test_a_halt_first(shop: Shop) -> None:
    """What uninstalls chaosd: nothing new starts, and all is put back."""
    holding(shop)
    answer = shop.say("undo", "--all", "--halt", "--reason", "helm uninstall")
    assert (answer.code, taints(shop)) == (0, ["team"])
    halt = shop.ledger().halt
    assert halt is not None
    assert halt.why == "helm uninstall"
    assert "chaosd resume" in answer.err


def test_where_chaosd_never_started_nothing_is_owed(shop: Shop) -> None:
    """An uninstall of what never ran must not fail."""
    answer = shop.say("undo", "--all", "--halt", "--reason", "helm uninstall")
    assert (answer.code, answer.out) == (0, "nothing is owed\n")
    assert "has not started" in answer.err


def test_what_can_not_be_put_back_is_said(shop: Shop) -> None:
    """The API server refuses: exit 1, and why."""
    holding(shop)
    shop.server.api.access.deny(Denial("patch", "", "nodes"))
    answer = shop.say("undo", "node-a", "--timeout", 1)
    assert answer.code == 1
    assert f"node node-a is not back (intent {ID})" in answer.err
    assert "nodes" in answer.err
    assert shop.ledger().intents[ID].owes_undo


def test_a_name_that_is_nowhere_is_a_mistake(shop: Shop) -> None:
    """Exit 2, and what is owed; a node that exists and owes nothing is fine."""
    holding(shop)
    answer = shop.say("undo", "node-x", "node-a")
    assert answer.code == 2
    assert f"there is no node and no intent node-x: owed are node-a ({ID})" in answer.err
    assert taints(shop) != ["team"]
    fine = shop.say("undo", "node-b")
    assert fine.code == 0
    assert "node-b: nothing is owed" in fine.err


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("node-a", "--all"), "only one of them"),
        (("--stray", "--all"), "only one of them"),
        (("--halt", "--reason", "x"), "--halt goes with --all"),
        (("--all", "--reason", "x"), "--reason goes with --halt"),
        (("--all", "--halt"), "say why"),
    ],
)
def test_options_that_do_not_go_together(args: tuple[str, ...], says: str) -> None:
    """Exit 2 before anything is asked of a cluster."""
    answer = chaosd("undo", *args)
    assert (answer.code, says in answer.err) == (2, True)


# ------------------------------------------------------------------ strays


def test_strays_are_removed(shop: Shop) -> None:
    """What the ledger knows stays, what it does not know goes."""
    holding(shop)
    taint(shop, "node-b", "lost")
    answer = shop.say("undo", "--stray")
    assert answer.code == 0
    assert "removed chaosd.io/drain=lost from node node-b" in answer.out
    assert "1 more are known to the ledger" in answer.err
    assert (taints(shop), taints(shop, "node-b")) == (["team", "chaosd.io/drain"], ["team"])
    assert "no node carries a taint" in shop.say("undo", "--stray").out


def test_without_a_ledger_every_taint_is_a_stray(shop: Shop) -> None:
    """The ledger was lost: its taints must not stay for ever."""
    taint(shop)
    answer = shop.say("undo", "--stray", "-o", "json")
    assert answer.code == 0
    assert answer.json == {"removed": [{"node": "node-a", "intent": ID}], "left": []}
    assert "every taint of chaosd counts as stray" in answer.err


def test_a_stray_that_stays_is_said(shop: Shop) -> None:
    """The API server refuses: exit 1, and why."""
    shop.write(Ledger())
    taint(shop, value="lost")
    shop.server.api.access.deny(Denial("patch", "", "nodes"))
    answer = shop.say("undo", "--stray")
    assert (answer.code, "node node-a keeps its taint" in answer.err) == (1, True)


def test_a_lost_ledger_points_to_strays(shop: Shop) -> None:
    """Without the ledger nobody knows what is owed, and the words say what to do."""
    shop.write("nonsense")
    answer = shop.say("undo", "--all")
    assert answer.code == 1
    assert "chaosd undo --stray" in answer.err
