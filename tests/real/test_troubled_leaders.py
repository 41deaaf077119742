"""A leader that is killed or frozen in the middle of a strike, and the one that follows it."""

from __future__ import annotations

import signal
from functools import partial
from itertools import product
from pathlib import Path

import pytest

from chaosd.core.ledger import Result
from tests.contract.site import Site
from tests.real.control_plane import ControlPlane
from tests.real.proxy import EVICTION
from tests.real.scene import Scene, at_once, ends
from tests.support.waiting import until

KILLED, FROZEN = signal.SIGKILL, signal.SIGSTOP
BEFORE = "its request arrives before the other one leads"
AFTER = "its request arrives after the other one has fenced it"
ANSWER = "its answer is held"


def struck_down(
    site: Site, plane: ControlPlane, folder: Path, how: signal.Signals, held_up: str
) -> None:
    """Take the leader away while its eviction is on the way; the other one settles and goes on."""
    scene = Scene(site, plane, folder)
    shop, proxy = scene.shop, scene.proxy
    with proxy, shop.daemon(proxy.url) as first:
        first.says("leading")
        with shop.daemon() as second:
            second.says("started")
            scene.goes_on(first, second)
            held = proxy.hold("POST", EVICTION, answer=held_up == ANSWER)
            until(held.met, first)
            first.signal(how)
            (intent,) = shop.ledger().unsettled()
            assert intent.victim.name in held.path
            if held_up == BEFORE:
                held.release()
            second.says("leading")
            assert scene.settles(intent.id, first, second) is (
                Result.FAILED if held_up == AFTER else Result.KILLED
            )
            held.release()
            # 404: the other one has struck the same pod meanwhile.
            assert until(held.answered) in ((404, 409) if held_up == AFTER else (201,))
            if how == FROZEN:
                first.signal(signal.SIGCONT)
                until(lambda: first.metric("chaosd_leader") == 0, first)
            scene.goes_on(first, second)
            until(lambda: second.metric("chaosd_leader") == 1, second)
            leader = shop.ledger().leader
            assert leader is not None
            assert leader.term == 2
            if how == FROZEN:
                ends(shop, second, first)
            else:
                ends(shop, second)


@pytest.mark.timeout(400)
def test_a_leader_goes_in_the_middle_of_a_strike(
    real: Site, control_plane: ControlPlane, tmp_path: Path
) -> None:
    """The other one takes over and settles it rightly; what arrives after its fence kills nothing,
    and what the first one learns after it wakes up changes nothing."""
    cases = list(product((KILLED, FROZEN), (BEFORE, AFTER, ANSWER)))
    tell = partial(struck_down, real, control_plane)
    at_once(*(partial(tell, tmp_path / str(n), *case) for n, case in enumerate(cases)))
