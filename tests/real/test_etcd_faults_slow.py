"""Real members of etcd whose answers come slowly: each look is bounded, and ends with a no."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from chaosd.core.model import Code
from tests.etcd_members import EtcdCluster
from tests.real.etcd_scene import scene_of
from tests.real.slow_proxy import SlowProxy

DRIP = 0.2
"""At a byte every so often, one TLS handshake takes ten minutes: more than any test waits."""


@pytest.fixture(scope="module")
def etcd() -> Iterator[EtcdCluster]:
    """Three healthy members."""
    with EtcdCluster(count=3) as cluster:
        yield cluster


@pytest.mark.parametrize(("pace", "connected"), [(DRIP, True), (DRIP, False), (None, True)])
def test_answers_that_drip_or_do_not_come(
    etcd: EtcdCluster, pace: float | None, connected: bool
) -> None:
    """On a connection that is there, and while one is made: it is said of that endpoint, and all is
    well again with the next look."""
    with SlowProxy(etcd.members[0].port) as proxy:
        endpoints = [proxy.url, *etcd.endpoints[1:]]
        if not connected:
            proxy.pace = pace
        with scene_of(etcd, endpoints=endpoints) as scene:
            if connected:
                scene.allows()
            proxy.pace = pace
            detail = scene.refuses(
                Code.ETCD_UNREADABLE, f"etcd main: {proxy.url}: ", asked=etcd.members[:1]
            )
            assert detail.endswith(("no whole answer in time", "no connection in time"))
            proxy.pace = 0.0
            scene.allows()


def test_every_member_is_slow(etcd: EtcdCluster) -> None:
    """Who would be asked after all time was used up is not asked any more."""
    with ExitStack() as stack:
        # Each member at two endpoints.
        ports = [member.port for member in (*etcd.members, *etcd.members)]
        proxies = [stack.enter_context(SlowProxy(port)) for port in ports]
        scene = stack.enter_context(scene_of(etcd, endpoints=[proxy.url for proxy in proxies]))
        scene.allows()
        for proxy in proxies:
            proxy.pace = DRIP
        [said] = scene.against(etcd.members[0]).reasons
        assert said.code is Code.ETCD_UNREADABLE
        assert all(f"{proxy.url}: " in said.detail for proxy in proxies)
        assert f"{proxies[0].url}: no whole answer in time" in said.detail
        assert f"{proxies[-1].url}: not asked: the others took more than 6 s" in said.detail
