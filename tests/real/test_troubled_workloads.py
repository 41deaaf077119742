"""People roll out, scale, delete and make anew, while chaosd strikes the same workloads."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import count, takewhile
from pathlib import Path

import pytest

from chaosd.core.ledger import Intent, Result, Verdict
from tests.contract.manifests import OPT_IN, Json, deployment
from tests.contract.site import Site
from tests.real.control_plane import ControlPlane
from tests.real.scene import ROOMY, Scene, at_once, ends
from tests.real.shop import Shop
from tests.support.waiting import until

PATIENCE = 120.0
SEED = 5
SPAN = 25.0
BUSY = ROOMY.replace("concurrent: 4", "concurrent: 6").replace(
    "deadline:", "count: 2\n    deadline:"
)
# In its rollout there are times when it has all its pods, all are Ready, and only the Deployment
# tells that it is not over.
SLOW_ROLLOUT = {
    "minReadySeconds": 2,
    "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
}
Rollout = tuple[datetime, datetime]


class People:
    """What people do for SPAN seconds to the workloads of one shop, each to one of them.

    ``rollouts`` are spans in which web was surely being rolled out.
    """

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.rollouts: list[Rollout] = []
        self._place = shop.place
        self._until = time.monotonic() + SPAN
        self._kubectl = partial(shop.kubectl, "--namespace", shop.place.name)

    def roll_out(self) -> None:
        """New images and restarts of web, each as soon as a pod of it was struck."""
        for n in self._rounds():
            if n % 2:
                self._kubectl("rollout", "restart", "deployment/web")
            else:
                self._kubectl("set", "image", "deployment/web", f"main=registry.example/web:{n}")
            began = last = datetime.now(UTC)

            def ended() -> bool:
                nonlocal last
                asked = datetime.now(UTC)
                if _rolled_out(self._place.get("deployments", "web") or {}):
                    return True
                last = asked
                return False

            until(ended, "web is rolled out", PATIENCE)
            self.rollouts.append((began, last))
            self._is_struck("web")

    def scale(self) -> None:
        """More, fewer and none of cart."""
        for n in self._rounds():
            replicas = (5, 2, 0, 3)[n % 4]
            self._kubectl("scale", "deployment/cart", f"--replicas={replicas}")
            self._has("cart", replicas)

    def delete_pods(self) -> None:
        """Pods of db, at random."""
        drawn = random.Random(SEED)
        for _ in self._rounds():
            name = drawn.choice(self._place.pods("db"))["metadata"]["name"]
            self._kubectl("delete", "pod", name, "--ignore-not-found", "--wait=false")
            self._has("db", 3)

    def make_anew(self) -> None:
        """api goes, with all its pods, and comes again under the same name."""
        for _ in self._rounds():
            self._kubectl("delete", "deployment", "api")
            self._has("api", 0)
            self._place.workload("deployments", deployment("api", 3, labels=OPT_IN))

    def _rounds(self) -> Iterator[int]:
        return takewhile(lambda _: time.monotonic() < self._until, count())

    def _is_struck(self, name: str) -> None:
        """Wait for an intent on it that is written down from now on, or the end of the time."""
        now = datetime.now(UTC)

        def ask() -> bool:
            found = (one for one in self.shop.ledger().all_intents() if _name(one) == name)
            over = time.monotonic() > self._until
            return over or any(one.reserved_at > now for one in found)

        until(ask, (name, "is struck"), PATIENCE)

    def _has(self, app: str, pods: int) -> None:
        until(lambda: len(self._place.pods(app)) == pods, (app, pods), PATIENCE)


def _rolled_out(item: Json) -> bool:
    """As the Deployment controller says it, whatever is struck afterwards."""
    status = item["status"]
    fresh = status.get("observedGeneration") == item["metadata"]["generation"]
    said = {one["type"]: one["reason"] for one in status.get("conditions", ())}
    return fresh and said.get("Progressing") == "NewReplicaSetAvailable"


def struck_in_rollouts(shop: Shop, rollouts: list[Rollout]) -> Iterator[str]:
    """Evictions from web that were decided upon by what was read of it during a rollout."""
    read: datetime | None = None
    for one in sorted(shop.audited(), key=lambda one: str(one["requestReceivedTimestamp"])):
        about, at = one.get("objectRef", {}), one["requestReceivedTimestamp"]
        name = (about.get("namespace"), about.get("resource"), about.get("name", ""))
        if one["verb"] == "get" and name == (shop.place.name, "deployments", "web"):
            read = datetime.fromisoformat(at)
        if about.get("subresource") == "eviction" and name[2].startswith("web-"):
            assert read is not None
            for began, ended in rollouts:
                if began < read < ended:
                    yield f"{name[2]} at {at}, after a look at {read}, {began} to {ended}"


@pytest.mark.timeout(400)
def test_people_change_what_is_struck(
    real: Site, control_plane: ControlPlane, tmp_path: Path
) -> None:
    """Promises hold, nothing is struck during its rollout, and all that was struck recovers, or is
    closed where it was scaled to zero or deleted."""
    scene = Scene(real, control_plane, tmp_path, BUSY, budgets=False)
    shop = scene.shop
    shop.place.patch("deployments", "web", {"spec": SLOW_ROLLOUT})
    with shop.daemon() as daemon:
        daemon.says("leading")
        scene.goes_on(daemon)
        people, began = People(shop), datetime.now(UTC)
        at_once(people.roll_out, people.scale, people.delete_pods, people.make_anew)
        ended = datetime.now(UTC)
        scene.goes_on(daemon)
        shop.say("halt", "--reason", "look at what became of it")
        until(lambda: not shop.ledger().intents, lambda: (shop.ledger(), daemon), PATIENCE)
        ends(shop, daemon)
    killed = [one for one in shop.ledger().all_intents() if one.result is Result.KILLED]
    assert any(began < one.reserved_at < ended for one in killed)
    assert {one.verdict for one in killed} <= {Verdict.RECOVERED, Verdict.CLOSED}
    closed = {_name(one) for one in killed if one.verdict is Verdict.CLOSED}
    assert closed <= {"api", "cart"}
    assert people.rollouts
    assert list(struck_in_rollouts(shop, people.rollouts)) == []


@pytest.mark.timeout(400)
def test_workloads_that_go_and_a_rollout_that_hangs(
    real: Site, control_plane: ControlPlane, tmp_path: Path
) -> None:
    """One that is struck and then deleted or scaled to zero is closed, which is no failure to
    recover; one that stands still in the middle of its rollout is left alone."""

    def tell(story: Callable[[Shop], None]) -> None:
        story(Shop(real, control_plane, tmp_path / story.__name__, budgets=False))

    at_once(*(partial(tell, story) for story in (is_deleted, is_scaled_to_zero, hangs)))


def is_deleted(shop: Shop) -> None:
    """A Deployment that goes, with its pods, before what was struck is back."""
    _goes(shop, "delete", "deployment/fleeting")


def is_scaled_to_zero(shop: Shop) -> None:
    """A Deployment of which nothing is wanted any more before what was struck is back."""
    _goes(shop, "scale", "deployment/fleeting", "--replicas=0")


def _goes(shop: Shop, *command: str) -> None:
    place = shop.place
    place.workload("deployments", deployment("fleeting", 2))
    # None of them can go, so what is struck does not recover.
    held = [place.held(pod)["metadata"]["name"] for pod in place.pods("fleeting")]
    place.patch("deployments", "fleeting", {"metadata": {"labels": OPT_IN}})
    shop.opted_in.append("fleeting")
    with shop.daemon() as daemon:
        (intent,) = until(partial(_struck, shop, "fleeting"), daemon, PATIENCE)
        assert intent.verdict is None
        shop.kubectl("--namespace", place.name, *command)
        until(lambda: _struck(shop, "fleeting")[0].verdict, daemon, PATIENCE)
        (intent,) = _struck(shop, "fleeting")
        assert intent.verdict is Verdict.CLOSED
        for name in held:
            place.release(name)
        ends(shop, daemon)


def hangs(shop: Shop) -> None:
    """All pods of web are there and Ready, one of them of the new template; then it goes on."""
    place = shop.place
    kubectl = partial(shop.kubectl, "--namespace", place.name)
    slow = {**SLOW_ROLLOUT, "minReadySeconds": 60}
    place.patch("deployments", "web", {"spec": slow})
    kubectl("set", "image", "deployment/web", "main=registry.example/web:2")
    until(lambda: _status(shop).get("updatedReplicas", 0) == 1, lambda: _status(shop))
    kubectl("rollout", "pause", "deployment/web")
    place.patch("deployments", "web", {"spec": {"minReadySeconds": 0}})
    until(lambda: _status(shop).get("readyReplicas") == 3, lambda: _status(shop))
    assert _status(shop)["updatedReplicas"] == 1
    with shop.daemon() as daemon:
        until(lambda: len(_struck(shop, "db")) >= 3, daemon, PATIENCE)
        assert _struck(shop, "web") == []
        kubectl("rollout", "resume", "deployment/web")
        until(partial(_struck, shop, "web"), daemon, PATIENCE)
        ends(shop, daemon)


def _status(shop: Shop) -> Json:
    status: Json = (shop.place.get("deployments", "web") or {})["status"]
    return status


def _struck(shop: Shop, name: str) -> list[Intent]:
    found = shop.ledger().all_intents()
    return [one for one in found if one.result is Result.KILLED and _name(one) == name]


def _name(intent: Intent) -> str:
    return intent.workload.rpartition("/")[2]
