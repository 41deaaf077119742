"""Requests and answers between a daemon and the real API server that are lost, late or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from chaosd.core import ledger_text
from chaosd.core.ledger import Ledger, Result
from tests.contract.site import Site
from tests.real.control_plane import ControlPlane
from tests.real.daemon import Daemon
from tests.real.proxy import DELAY, EVICTION, LEASE, LEDGER, LISTS, Fault
from tests.real.scene import Scene, at_once, ends
from tests.real.shop import Shop
from tests.support.waiting import until

SLOTS = 20
SEEDS = (1, 2)
PATIENCE = 120.0
LOST_BEFORE = {Fault.REQUEST_LOST, Fault.REQUEST_RESET}
LOST_AFTER = {
    Fault.ANSWER_LOST,
    Fault.ANSWER_RESET,
    Fault.ANSWER_CUT,
    Fault.GATEWAY_TIMEOUT,
}
REFUSED = {Fault.TOO_MANY, Fault.TOO_MANY_WAIT}
BROKEN = {Fault.INTERNAL, Fault.UNAVAILABLE}


def goes_wrong(
    scene: Scene,
    daemon: Daemon,
    fault: Fault,
    method: str,
    path: str,
    body: Callable[[bytes], bool] = lambda _: True,
) -> None:
    """Let one request go wrong."""
    until(scene.proxy.arrange(fault, method, path, body=body), (fault, daemon), PATIENCE)


def reserves(shop: Shop, ids: list[str]) -> Callable[[bytes], bool]:
    """Whether a swap of the ledger writes an intent down that is not there; adds its id."""

    def asked(body: bytes) -> bool:
        now = shop.ledger()
        ids.extend(one.id for one in _swapped(body).unsettled() if now.find(one.id) is None)
        return bool(ids)

    return asked


def settles(shop: Shop) -> Callable[[bytes], bool]:
    """Whether a swap of the ledger writes an outcome down that is not there."""

    def asked(body: bytes) -> bool:
        open_ = {one.id for one in _swapped(body).unsettled()}
        return any(one.id not in open_ for one in shop.ledger().unsettled())

    return asked


def _swapped(body: bytes) -> Ledger:
    return ledger_text.decode(json.loads(body)["data"]["ledger.json"])


def evictions(scene: Scene, daemon: Daemon) -> None:
    """What was done is killed, seen after a fence if its answer was lost; what was not is not."""
    for fault in Fault:
        goes_wrong(scene, daemon, fault, "POST", EVICTION)
        scene.goes_on(daemon)
        mishap = scene.proxy.happened[-1]
        assert mishap.status == (None if fault in LOST_BEFORE | REFUSED | BROKEN else 201)
        name = mishap.path.split("/")[-2]
        ends = {one.result for one in scene.shop.ledger().all_intents() if one.victim.name == name}
        if mishap.status == 201:
            assert Result.KILLED in ends, fault
        else:
            assert (Result.REFUSED if fault in REFUSED else Result.FAILED) in ends, fault
        if fault in LOST_BEFORE | BROKEN | LOST_AFTER:
            fenced = {line["victim"].split("/")[1] for line in daemon.said("fenced")}
            assert name in fenced, fault


def reservations(scene: Scene, daemon: Daemon) -> None:
    """Without a certain reservation nothing is struck, and none stays open."""
    for fault in Fault:
        ids: list[str] = []
        goes_wrong(scene, daemon, fault, "PATCH", LEDGER, reserves(scene.shop, ids))
        scene.goes_on(daemon)
        intent = scene.shop.ledger().find(ids[0])
        if scene.proxy.happened[-1].status != 200:
            # It may have been refused, too: somebody else was faster.
            assert fault is Fault.DELAYED or intent is None, fault
        elif fault in LOST_AFTER:
            assert intent is not None, fault
            assert intent.result is Result.FAILED, fault


def settlements(scene: Scene, daemon: Daemon) -> None:
    """What was done is never forgotten."""
    for fault in Fault:
        goes_wrong(scene, daemon, fault, "PATCH", LEDGER, settles(scene.shop))
        scene.goes_on(daemon)


def lists_and_renewals(scene: Scene, daemon: Daemon) -> None:
    """A survey that fails costs a slot at most, and one renewal that fails costs no leader."""
    for fault in Fault:
        goes_wrong(scene, daemon, fault, "GET", LISTS)
    scene.goes_on(daemon)
    for fault in Fault:
        goes_wrong(scene, daemon, fault, "PATCH", LEASE)
    leader = scene.shop.ledger().leader
    assert leader is not None
    assert leader.term == 1


def late(scene: Scene, daemon: Daemon) -> None:
    """What arrives after the daemon gave it up, and made certain, does nothing any more."""
    eviction = scene.proxy.hold("POST", EVICTION)
    until(eviction.met, daemon, PATIENCE)
    (intent,) = scene.shop.ledger().unsettled()
    assert scene.settles(intent.id, daemon) is Result.FAILED
    eviction.release()
    assert until(eviction.answered, daemon) in (404, 409)
    ids: list[str] = []
    reservation = scene.proxy.hold("PATCH", LEDGER, body=reserves(scene.shop, ids))
    until(reservation.met, daemon, PATIENCE)
    scene.goes_on(daemon)
    settlement = scene.proxy.hold("PATCH", LEDGER, body=settles(scene.shop))
    until(settlement.met, daemon, PATIENCE)
    scene.goes_on(daemon)
    for held in (reservation, settlement):
        held.release()
        assert until(held.answered, daemon) == 409
    assert scene.shop.ledger().find(ids[0]) is None


def storm(seed: int) -> Callable[[Scene, Daemon], None]:
    """For many slots, and until each fault has happened, every eighth request goes wrong."""

    def story(scene: Scene, daemon: Daemon) -> None:
        scene.proxy.storm(seed, 1 / 8)
        until(lambda: daemon.metric("chaosd_attempts_total") >= SLOTS, daemon, 2 * PATIENCE)
        until(lambda: {one.fault for one in scene.proxy.happened} == {*Fault}, daemon, PATIENCE)
        scene.proxy.calm()

    return story


Story = Callable[[Scene, Daemon], None]


def told(site: Site, plane: ControlPlane, folder: Path, story: Story) -> None:
    """Start a daemon, tell the story, and see that it went on and kept its promises.

    There are no budgets: an eviction that comes late would spend them, and nothing could go on.
    """
    scene = Scene(site, plane, folder, budgets=False)
    with scene.proxy, scene.shop.daemon(scene.proxy.url) as daemon:
        daemon.says("leading")
        story(scene, daemon)
        scene.goes_on(daemon)
        ends(scene.shop, daemon, late=DELAY)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "stories",
    [
        pytest.param((evictions, reservations, settlements), id="strikes"),
        pytest.param((lists_and_renewals, late, *map(storm, SEEDS)), id="others-and-storms"),
    ],
)
def test_everything_that_can_go_wrong_with_a_request(
    real: Site, control_plane: ControlPlane, tmp_path: Path, stories: tuple[Story, ...]
) -> None:
    """Each fault on each kind of request, and storms of all of them: nothing is doubled or lost."""
    tell = partial(told, real, control_plane)
    at_once(*(partial(tell, tmp_path / str(n), story) for n, story in enumerate(stories)))
