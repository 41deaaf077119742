"""Halts in the middle of a burst: by chaosd's own command, and by kubectl alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from chaosd.core.ledger import Result
from tests.contract.site import Site
from tests.real.control_plane import ControlPlane
from tests.real.daemon import Daemon
from tests.real.proxy import EVICTION
from tests.real.scene import ROOMY, Scene, at_once, ends
from tests.support.waiting import until

BURST = ROOMY.replace("concurrent: 4", "concurrent: 5").replace(
    "deadline:", "count: 3\n    deadline:"
)
ROUNDS = 2


def slots_pass(daemon: Daemon) -> None:
    """Wait until chaosd would have struck some more."""
    before = daemon.metric("chaosd_attempts_total")
    until(lambda: daemon.metric("chaosd_attempts_total") >= before + 6, daemon)


def by_command(scene: Scene) -> None:
    """What is under way is waited for; once the command has ended nothing is struck."""
    shop, proxy = scene.shop, scene.proxy
    with proxy, shop.daemon(proxy.url) as daemon, ThreadPoolExecutor(1) as pool:
        daemon.says("leading")
        for _ in range(ROUNDS):
            scene.goes_on(daemon)
            held = proxy.hold("POST", EVICTION)
            until(held.met, daemon)
            halting = pool.submit(shop.say, "halt", "--reason", "a test")
            until(lambda: shop.ledger().halt, daemon)
            ended = halting.done()
            assert not (ended and shop.ledger().unsettled())
            held.release()
            code, answer = halting.result()
            assert code == 0, answer
            assert shop.ledger().unsettled() == ()
            slots_pass(daemon)
            code, answer = shop.say("resume")
            assert code == 0, answer
        scene.goes_on(daemon)
        ends(shop, daemon)


def by_command_over_a_lost_strike(scene: Scene) -> None:
    """An eviction that is still on its way when the command ends kills nothing any more."""
    shop, proxy = scene.shop, scene.proxy
    with proxy, shop.daemon(proxy.url) as daemon:
        daemon.says("leading")
        scene.goes_on(daemon)
        held = proxy.hold("POST", EVICTION)
        until(held.met, daemon)
        (intent,) = shop.ledger().unsettled()
        code, answer = shop.say("halt", "--reason", "a test")
        assert code == 0, answer
        assert shop.ledger().outcomes[intent.id].result is Result.FAILED
        held.release()
        assert until(held.answered, daemon) == 409
        slots_pass(daemon)
        pods = {one["metadata"]["uid"] for app in shop.opted_in for one in shop.place.pods(app)}
        assert intent.victim.uid in pods
        code, answer = shop.say("resume")
        assert code == 0, answer
        scene.goes_on(daemon)
        ends(shop, daemon)


def by_annotation(scene: Scene) -> None:
    """Nothing is written down once kubectl has ended, and nothing struck once chaosd shows it and
    what was written down before is settled."""
    shop, proxy = scene.shop, scene.proxy
    ledger = ("configmap", "chaosd-ledger", "--namespace", shop.home.name)
    with proxy, shop.daemon(proxy.url) as daemon:
        daemon.says("leading")
        for _ in range(ROUNDS):
            scene.goes_on(daemon)
            held = proxy.hold("POST", EVICTION)
            until(held.met, daemon)
            shop.kubectl("annotate", *ledger, "chaosd.io/halt=a test")
            annotated = datetime.now(UTC)
            until(lambda: daemon.metric("chaosd_halted") == 1, daemon)
            held.release()
            until(lambda: not shop.ledger().unsettled(), daemon)
            shop.quiet()
            slots_pass(daemon)
            assert not [i for i in shop.ledger().all_intents() if i.reserved_at > annotated]
            shop.loud()
            shop.kubectl("annotate", *ledger, "chaosd.io/halt-")
        scene.goes_on(daemon)
        until(lambda: daemon.metric("chaosd_halted") == 0, daemon)
        ends(shop, daemon)


@pytest.mark.timeout(400)
def test_a_halt_in_the_middle_of_a_burst(
    real: Site, control_plane: ControlPlane, tmp_path: Path
) -> None:
    """Three victims in each slot, five at once: after the acknowledgement there are none, and after
    a resume there are again."""
    stories = [by_command, by_command_over_a_lost_strike, by_annotation]

    def tell(number: int) -> None:
        stories[number](Scene(real, control_plane, tmp_path / str(number), BURST, budgets=False))

    at_once(*(partial(tell, number) for number in range(len(stories))))
