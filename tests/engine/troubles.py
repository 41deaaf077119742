"""What people, faults and other processes do to a scene."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec

from chaosd.core.ledger import VERSION, Halt, Ledger, Result, StepState
from chaosd.core.model import Limits
from chaosd.core.transitions import halt
from chaosd.kube.transport import Reply
from chaosd.sandbox import Cluster, Denial, scenarios
from tests.engine.cluster_side import NAMESPACE
from tests.engine.process import Process
from tests.engine.scene import START, Scene, changed, configured, policy

WEB = "shop/Deployment/web"
CART = "shop/StatefulSet/cart"
STOP = Halt("ann", "release", START)


def shop(cluster: Cluster) -> None:
    scenarios.deployment(cluster, "shop", "web", 3, opt_in=True)
    scenarios.stateful_set(cluster, "shop", "cart", 2, opt_in=True)


def web(replicas: int, **options: Any) -> Callable[[Cluster], None]:
    """What builds a cluster with one Deployment, shop/web."""

    def fill(cluster: Cluster) -> None:
        scenarios.deployment(cluster, "shop", "web", replicas, **options)

    return fill


def one_an_hour() -> Limits:
    """A limit that a single kill uses up."""
    return Limits(per_hour=1)


def all_well(scene: Scene, process: Process) -> None:
    """Nothing is arranged."""


def halted(scene: Scene, process: Process) -> None:
    scene.rewrite(lambda ledger: halt(ledger, STOP))


def annotated(scene: Scene, process: Process) -> None:
    with scene.cluster.edit("configmaps", NAMESPACE, "chaosd-ledger") as item:
        item["metadata"]["annotations"] = {"chaosd.io/halt": ""}


def halted_by_file(scene: Scene, process: Process) -> None:
    scene.file.write(changed(scene.configuration, halted=True), "second")
    process.reload.step()


def paused(scene: Scene, process: Process) -> None:
    scene.rewrite(lambda ledger: halt(ledger, STOP, "web"))


def killed_before(scene: Scene, process: Process) -> None:
    process.attempt()
    scene.run(10)
    scene.clock.advance(1800)
    process.lead.step()


def not_healed_yet(scene: Scene, process: Process) -> None:
    process.attempt()
    process.observer.step()
    scene.clock.advance(1)


def set_back(scene: Scene, process: Process) -> None:
    scene.clock.jump(-timedelta(minutes=1))


def unsettled_elsewhere(scene: Scene, process: Process) -> None:
    """An intent that another process left behind, and a cluster that allows no fence."""
    process.attempt()

    def reopen(ledger: Ledger) -> Ledger:
        (intent,) = ledger.intents.values()
        step = msgspec.structs.replace(
            intent.steps[0], state=StepState.RESERVED, holder="b", settled_at=None
        )
        intent = msgspec.structs.replace(intent, steps=(step,), result=None, settled_at=None)
        return msgspec.structs.replace(ledger, intents={intent.id: intent}, last_kills={})

    scene.rewrite(reopen)
    scene.clock.advance(1)
    scene.sandbox.api.access.deny(Denial("patch", "", "pods/status"))


def struck_already(scene: Scene, process: Process) -> dict[str, Any]:
    at = process.attempt().intent
    scene.run(20)
    return {"at": at.reserved_at if at else None}


def late(scene: Scene, process: Process) -> dict[str, Any]:
    return {"at": scene.now() - timedelta(seconds=31)}


def spoiled(scene: Scene, process: Process) -> None:
    scene.file.spoil()
    process.reload.step()


def policy_gone(scene: Scene, process: Process) -> None:
    scene.file.write(configured(policy("other")), "second")
    process.reload.step()


def lease_ran_out(scene: Scene, process: Process) -> None:
    scene.clock.advance(13.1)


def stopping(scene: Scene, process: Process) -> None:
    process.context.stopping = True


def ledger_deleted(scene: Scene, process: Process) -> None:
    scene.cluster.remove("configmaps", NAMESPACE, "chaosd-ledger")


def ledger_replaced(scene: Scene, process: Process) -> None:
    item = scene.cluster.remove("configmaps", NAMESPACE, "chaosd-ledger")
    meta = {**item["metadata"], "uid": scene.cluster.new_uid()}
    scene.cluster.add("configmaps", {**item, "metadata": meta})


def ledger_damaged(scene: Scene, process: Process) -> None:
    scene.write('{"version": 1, "intents": {')


def ledger_newer(scene: Scene, process: Process) -> None:
    scene.rewrite(lambda ledger: msgspec.structs.replace(ledger, version=VERSION + 1))


def ledger_full(scene: Scene, process: Process) -> None:
    process.attempt()
    scene.run(20)

    def grow(ledger: Ledger) -> Ledger:
        (one,) = ledger.outcomes.values()
        more = {
            f"{n:020x}": msgspec.structs.replace(
                one, id=f"{n:020x}", result=Result.FAILED, detail="x" * 3000
            )
            for n in range(250)
        }
        return msgspec.structs.replace(ledger, outcomes={**ledger.outcomes, **more})

    scene.rewrite(grow)


class Undated:
    """A gateway that takes the ``Date`` out of every answer."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def send(self, *args: Any) -> Reply:
        reply: Reply = self._transport.send(*args)
        left = {key: text for key, text in reply.headers.items() if key != "date"}
        return Reply(reply.status, left, reply.body)
