"""A leader that is killed or frozen at each step of a drain, and the one that follows it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from chaosd.core.ledger import Result, StepState, Verdict
from chaosd.core.model import StepAction
from tests.contract.manifests import budget
from tests.contract.site import Site
from tests.real.control_plane import ControlPlane
from tests.real.fleet import PATIENCE, Fleet, node_policy
from tests.real.proxy import EVICTION, Held, Proxy
from tests.real.scene import at_once
from tests.support.waiting import until

NODE = r"/nodes/[^/]+$"


def tainting(body: bytes) -> bool:
    """Whether a change of a node adds a taint."""
    return b'"add"' in body and b"/spec/taints" in body


def untainting(body: bytes) -> bool:
    """Whether it removes one."""
    return b'"remove"' in body and b"/spec/taints" in body


def taint_came(proxy: Proxy) -> Held:
    """The taint is there, and its answer never comes."""
    return proxy.hold("PATCH", NODE, answer=True, body=tainting)


def eviction_on_its_way(proxy: Proxy) -> Held:
    """The first eviction is on its way, and arrives when the other one has fenced it."""
    return proxy.hold("POST", EVICTION)


def eviction_came(proxy: Proxy) -> Held:
    """The first eviction is done, and its answer never comes."""
    return proxy.hold("POST", EVICTION, answer=True)


def untaint_on_its_way(proxy: Proxy) -> Held:
    """The untaint is on its way, and arrives when the other one has done it."""
    return proxy.hold("PATCH", NODE, body=untainting)


def untaint_came(proxy: Proxy) -> Held:
    """The taint is gone, and the answer never comes."""
    return proxy.hold("PATCH", NODE, answer=True, body=untainting)


def in_the_hold(proxy: Proxy) -> None:
    """Nothing is under way."""


HOLDS: tuple[Callable[[Proxy], Held | None], ...] = (
    taint_came,
    eviction_on_its_way,
    eviction_came,
    in_the_hold,
    untaint_on_its_way,
    untaint_came,
)


def killed(
    real: Site, plane: ControlPlane, folder: Path, arrange: Callable[[Proxy], Held | None]
) -> None:
    """SIGKILL at one step; a new process goes on, or puts back, and strikes nothing twice."""
    with Fleet(real, plane, folder) as fleet, fleet.proxy as proxy:
        fleet.fill(web=2, api=1)
        fleet.place.budget(budget("web", "web", minAvailable=1), 2)
        fleet.grow(1)
        pods = fleet.on()
        chaosd = fleet.deploy(node_policy(deadline="180s", hold="5s"))
        with chaosd.daemon(0, fleet.through_proxy()) as first:
            first.says("leading")
            held = arrange(proxy)
            fleet.ask_for()
            if held is None:
                until(fleet.over, first, PATIENCE)
            else:
                until(held.met, first, PATIENCE)
                if held.answer:
                    until(held.answered, first)
            first.kill()
        with chaosd.daemon() as second:
            until(lambda: second.said("leading"), second, PATIENCE)
            until(chaosd.recovered, lambda: (chaosd.ledger(), second), PATIENCE)
            if held is not None and not held.answer:
                held.release()
                # 404: the other one has evicted that pod itself meanwhile.
                assert until(held.answered) in (404, 409, 422)
        intent = fleet.intent()
        assert (intent.result, intent.verdict) == (Result.KILLED, Verdict.RECOVERED)
        assert fleet.drained_by() == []
        assert fleet.on() == []
        fleet.went_once(pods)
        assert chaosd.denied() == []


def frozen(real: Site, plane: ControlPlane, folder: Path) -> None:
    """A leader that wakes up after another has fenced its taint: 409, no taint, and it follows."""
    with Fleet(real, plane, folder) as fleet, fleet.proxy as proxy:
        fleet.fill(web=2)
        fleet.grow(1)
        pods = fleet.on()
        chaosd = fleet.deploy(replicas=2)
        with chaosd.daemon(0, fleet.through_proxy()) as first:
            first.says("leading")
            with chaosd.daemon(1) as second:
                second.says("started")
                held = proxy.hold("PATCH", NODE, body=tainting)
                fleet.ask_for()
                until(held.met, first)
                first.signal(signal.SIGSTOP)
                until(fleet.over, second, PATIENCE)
                # Nothing is to be put back, but the mark of the fence is taken away.
                second.says("put back")
                held.release()
                assert until(held.answered) == 409
                first.signal(signal.SIGCONT)
                until(lambda: first.metric("chaosd_leader") == 0, first)
                assert second.metric("chaosd_leader") == 1
                intent = fleet.intent()
                assert intent.result is Result.FAILED
                assert not intent.owes_undo
                (step,) = intent.steps
                assert (step.action, step.state) == (StepAction.TAINT, StepState.FAILED)
                assert fleet.drained_by() == []
                assert fleet.evicted() == []
                assert fleet.on() == pods
                assert "chaosd.io/fenced" not in fleet.node()["metadata"]["annotations"]


@pytest.mark.timeout(400)
def test_a_leader_goes_at_each_step_of_a_drain(
    real: Site, control_plane: ControlPlane, tmp_path: Path
) -> None:
    """Whoever leads next leaves no taint and strikes nothing twice; what is late does nothing."""
    stories: list[Callable[[Site, ControlPlane, Path], None]] = [frozen]
    stories += [partial(killed, arrange=arrange) for arrange in HOLDS]
    at_once(*(partial(t, real, control_plane, tmp_path / str(n)) for n, t in enumerate(stories)))
