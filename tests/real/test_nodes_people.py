"""What people do to a node that chaosd drains, and how they have it back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from chaosd.core.ledger import Intent, Result, Verdict
from tests.contract.manifests import OPT_IN, Json, budget
from tests.contract.site import Site
from tests.real.control_plane import ControlPlane
from tests.real.deployed import Deployed
from tests.real.fleet import PATIENCE, Fleet, node_policy, path
from tests.real.proxy import EVICTION
from tests.real.scene import at_once
from tests.support.waiting import until

LONG: Json = {"deadline": "300s", "hold": "100s"}


def blocked(fleet: Fleet) -> None:
    """Two pods, one of which may go: a drain begins and does not end by itself."""
    fleet.fill(web=2)
    fleet.place.budget(budget("web", "web", minAvailable=1), 2)
    fleet.grow(1)


def halted(real: Site, plane: ControlPlane, folder: Path) -> None:
    """`chaosd halt` in the middle of an eviction: after its acknowledgement there is no other, and
    the node is put back."""
    with Fleet(real, plane, folder) as fleet, fleet.proxy as proxy, ThreadPoolExecutor(1) as pool:
        blocked(fleet)
        chaosd = fleet.deploy(node_policy(**LONG))
        with chaosd.daemon(0, fleet.through_proxy()) as daemon:
            daemon.says("leading")
            held = proxy.hold("POST", EVICTION)
            fleet.ask_for()
            until(held.met, daemon)
            halting = pool.submit(chaosd.say, "halt", "--reason", "a test")
            until(lambda: chaosd.ledger().halt, daemon)
            held.release()
            code, text = halting.result()
            acknowledged = datetime.now(UTC)
            assert code == 0, text
            daemon.says("put back")
            assert fleet.drained_by() == []
            assert len(fleet.evicted()) == 1
            (step,) = [one for one in fleet.intent().steps if one.victim.namespace]
            assert step.reserved_at < acknowledged
            assert "halted" in fleet.intent().detail


def left_held(fleet: Fleet) -> tuple[Deployed, Intent]:
    """The first node has been drained by a daemon that is gone, and is out of service."""
    fleet.fill(web=1)
    fleet.grow(1)
    chaosd = fleet.deploy(node_policy(**LONG))
    with chaosd.daemon() as daemon:
        daemon.says("leading")
        begun = fleet.begin()
        until(fleet.over, daemon, PATIENCE)
    return chaosd, begun


def undone(real: Site, plane: ControlPlane, folder: Path) -> None:
    """`chaosd undo NODE` without any daemon: listed before, back afterwards, and nothing owed."""
    with Fleet(real, plane, folder) as fleet:
        chaosd, begun = left_held(fleet)
        assert fleet.drained_by() == [begun.id]
        code, text = chaosd.say("undo")
        assert code == 0, text
        assert fleet.first in text
        code, text = chaosd.say("undo", fleet.first)
        assert code == 0, text
        assert f"node {fleet.first} takes pods again" in text
        assert fleet.drained_by() == []
        code, text = chaosd.say("undo")
        assert (code, "nothing is owed" in text) == (0, True)
        with chaosd.daemon() as daemon:
            until(chaosd.recovered, daemon, PATIENCE)
        assert chaosd.denied() == []


def uninstalled(real: Site, plane: ControlPlane, folder: Path) -> None:
    """What the chart runs before it is deleted, with the rights of its ServiceAccount: the running
    daemon is halted and the node is back; without a daemon it does the same."""
    with Fleet(real, plane, folder) as fleet:
        fleet.fill(web=1)
        fleet.grow(1)
        chaosd = fleet.deploy(node_policy(**LONG))
        (job,) = [one for one in chaosd.objects if one["kind"] == "Job"]
        assert job["spec"]["template"]["spec"]["serviceAccountName"] == chaosd.account
        (container,) = job["spec"]["template"]["spec"]["containers"]
        for alone in (False, True):
            with chaosd.daemon() as daemon:
                until(lambda: daemon.said("leading"), daemon, PATIENCE)
                until(lambda: not chaosd.ledger().intents, daemon, PATIENCE)
                fleet.begin()
                until(fleet.drained_by, daemon)
                if alone:
                    daemon.kill()
                code, text = chaosd.say(*container["args"])
                assert code == 0, text
                assert fleet.drained_by() == []
                assert chaosd.ledger().halt is not None
                assert not [one for one in chaosd.intents() if one.owes_undo]
            code, text = chaosd.say("resume")
            assert code == 0, text
        assert chaosd.denied() == []


def theirs(real: Site, plane: ControlPlane, folder: Path) -> None:
    """A cordon, an uncordon, and taints that people put on and take off during a drain stay as
    they left them."""
    with Fleet(real, plane, folder) as fleet:
        fleet.fill(web=1)
        fleet.grow(1)
        chaosd = fleet.deploy(node_policy(deadline="120s", hold="15s"))
        with chaosd.daemon() as daemon:
            daemon.says("leading")
            fleet.begin()
            until(fleet.drained_by, daemon)
            chaosd.kubectl("taint", "node", fleet.first, "before=x:NoSchedule")
            chaosd.kubectl("cordon", fleet.first)
            chaosd.kubectl("taint", "node", fleet.first, "after=y:PreferNoSchedule", "before-")
            until(fleet.over, daemon, PATIENCE)
            daemon.says("put back")
            node = fleet.node()
            assert node["spec"]["unschedulable"] is True
            assert fleet.taints() == ["after", "node.kubernetes.io/unschedulable", "scene"]
            until(chaosd.recovered, daemon, PATIENCE)
            chaosd.kubectl("uncordon", fleet.first)
            chaosd.kubectl("taint", "node", fleet.first, "after-")
            # And the other way round: an uncordon during a drain.
            again = fleet.begin()
            until(fleet.drained_by, daemon)
            chaosd.kubectl("cordon", fleet.first)
            chaosd.kubectl("uncordon", fleet.first)
            assert fleet.drained_by() == [again.id]
            until(lambda: len(chaosd.recovered()) == 2, daemon, PATIENCE)
            until(lambda: fleet.taints() == ["scene"], fleet.node)
            assert "unschedulable" not in fleet.node()["spec"]
        assert chaosd.denied() == []


def taken_off(real: Site, plane: ControlPlane, folder: Path) -> None:
    """The taint itself taken off by kubectl in the middle of a drain: the drain ends there."""
    with Fleet(real, plane, folder) as fleet, fleet.proxy as proxy:
        blocked(fleet)
        chaosd = fleet.deploy(node_policy(**LONG))
        with chaosd.daemon(0, fleet.through_proxy()) as daemon:
            daemon.says("leading")
            held = proxy.hold("POST", EVICTION)
            fleet.ask_for()
            until(held.met, daemon)
            chaosd.kubectl("taint", "node", fleet.first, "chaosd.io/drain-")
            held.release()
            until(lambda: [one for one in chaosd.intents() if one.closed_at], daemon, PATIENCE)
            assert "somebody removed the taint" in fleet.intent().detail
        assert fleet.taints() == ["scene"]
        assert chaosd.denied() == []


def made_anew(real: Site, plane: ControlPlane, folder: Path) -> None:
    """The node is deleted during the hold, and another comes under its name with a taint that looks
    like ours: that one is left alone, and the action is closed."""
    with Fleet(real, plane, folder) as fleet:
        fleet.fill(web=1)
        fleet.grow(1)
        chaosd = fleet.deploy(node_policy(deadline="300s", hold="10s"))
        with chaosd.daemon() as daemon:
            daemon.says("leading")
            begun = fleet.begin()
            until(fleet.over, daemon, PATIENCE)
            fleet.place.admin.ok("DELETE", path(fleet.first))
            fleet.add(OPT_IN, name=fleet.first)
            look = {"key": "chaosd.io/drain", "value": begun.id, "effect": "NoSchedule"}
            fleet.patch({"spec": {"taints": [*fleet.node()["spec"]["taints"], look]}})
            until(lambda: fleet.intent().closed_at, daemon, PATIENCE)
        assert (fleet.intent().result, fleet.intent().verdict) == (Result.KILLED, Verdict.CLOSED)
        assert fleet.drained_by() == [begun.id]
        assert "is gone" in fleet.intent().seen
        assert chaosd.denied() == []


@pytest.mark.timeout(400)
def test_people_have_their_nodes(real: Site, control_plane: ControlPlane, tmp_path: Path) -> None:
    """They have them back by a halt, by undo without a daemon, and at an uninstall; cordons, taints
    and deletions during a drain stay as they were made."""
    stories = (halted, undone, uninstalled, theirs, taken_off, made_anew)
    at_once(*(partial(tell, real, control_plane, tmp_path / tell.__name__) for tell in stories))


def test_a_taint_that_outlives_its_ledger_is_taken_off(
    real: Site, control_plane: ControlPlane, tmp_path: Path
) -> None:
    """The ledger is deleted while a node is held: `chaosd undo --stray` helps. (It takes every such
    taint of the cluster, so nothing runs beside it.)"""
    with Fleet(real, control_plane, tmp_path) as fleet:
        chaosd, begun = left_held(fleet)
        others = {"key": "team.example/mine", "value": "yes", "effect": "NoSchedule"}
        fleet.patch({"spec": {"taints": [*fleet.node()["spec"]["taints"], others]}})
        chaosd.kubectl("delete", "configmap", "chaosd-ledger")
        code, text = chaosd.say("undo", fleet.first)
        assert (code, "--stray" in text) == (1, True), text
        code, text = chaosd.say("undo", "--stray")
        assert code == 0, text
        assert f"removed chaosd.io/drain={begun.id} from node {fleet.first}" in text
        assert fleet.taints() == ["scene", "team.example/mine"]
        assert chaosd.denied() == []
