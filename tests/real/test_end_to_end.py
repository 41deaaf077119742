"""The daemon as a process on a real control plane: kills, recoveries, another leader, halts."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chaosd.core.ledger import Result
from tests.real.control_plane import ControlPlane
from tests.real.shop import Shop
from tests.support.waiting import until


def test_kills_and_recoveries(shop: Shop) -> None:
    """Pods of both workloads go and come back; budgets, log, metrics, Events and ledger agree."""
    with shop.daemon() as daemon:
        daemon.says("leading")
        until(
            lambda: (
                {one.workload.split("/")[1] for one in shop.recovered()}
                == {"Deployment", "StatefulSet"}
            ),
            lambda: (shop.ledger(), daemon),
        )
        assert "chaosd halt" in daemon.get("/")
        assert daemon.get("/readyz")
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    killed = [one for one in shop.ledger().all_intents() if one.result is Result.KILLED]
    assert killed
    assert shop.broken() == []
    assert shop.denied() == []
    for intent in killed:
        events = shop.place.admin.ok(
            "GET",
            shop.place.path("events"),
            fieldSelector=f"involvedObject.uid={intent.victim.uid}",
        )["items"]
        reasons = {one["reason"] for one in events if one["source"].get("component") == "chaosd"}
        assert reasons, f"no Event about {intent}"


def test_a_leader_that_is_killed_is_followed(shop: Shop) -> None:
    """SIGKILL at any moment: the other replica leads on, and nothing is doubled."""
    with shop.daemon() as first:
        first.says("leading")
        with shop.daemon() as second:
            second.says("started")
            until(shop.recovered, first)
            first.kill()
            second.says("leading")
            before = len(shop.recovered())
            until(lambda: len(shop.recovered()) > before + 1, second)
            leader = shop.ledger().leader
            assert leader is not None
            assert leader.term == 2
            second.signal(signal.SIGTERM)
            assert second.wait() == 0
    assert shop.broken() == []


def test_a_leader_that_freezes_is_followed(shop: Shop) -> None:
    """SIGSTOP at any moment: the other leads on, and after SIGCONT the first one knows it."""
    with shop.daemon() as first:
        first.says("leading")
        with shop.daemon() as second:
            second.says("started")
            until(shop.recovered, first)
            first.signal(signal.SIGSTOP)
            second.says("leading")
            before = len(shop.recovered())
            until(lambda: len(shop.recovered()) > before, second)
            first.signal(signal.SIGCONT)
            until(lambda: first.metric("chaosd_leader") == 0, first)
            assert second.metric("chaosd_leader") == 1
            before = len(shop.recovered())
            until(lambda: len(shop.recovered()) > before, second)
            for one in (first, second):
                one.signal(signal.SIGTERM)
                assert one.wait() == 0
    assert shop.broken() == []


@contextmanager
def away(plane: ControlPlane, how: str) -> Iterator[None]:
    """The API server is away inside the block, and back after it, whatever happens."""
    if how == "stopped":
        plane.stop("kube-apiserver")
    else:
        plane.signal("kube-apiserver", signal.SIGSTOP)
    try:
        yield
    finally:
        if how == "stopped":
            plane.start_api_server()
        else:
            plane.signal("kube-apiserver", signal.SIGCONT)
        plane.recover()


@pytest.mark.parametrize("how", ["stopped", "frozen"])
def test_the_api_server_goes_and_comes_back(
    shop: Shop, control_plane: ControlPlane, how: str
) -> None:
    """Nothing is struck meanwhile, the process lives, and afterwards it goes on by itself."""
    with shop.daemon() as daemon:
        daemon.says("leading")
        until(shop.recovered, daemon)
        with away(control_plane, how):
            until(lambda: [one for one in daemon.said("failed") if one["doing"] == "lead"], daemon)
        before = len(shop.recovered())
        until(lambda: len(shop.recovered()) > before, daemon)
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    assert shop.broken() == []


def test_a_halt_stops_everything(shop: Shop) -> None:
    """Once it is acknowledged nothing is evicted, until somebody resumes."""
    with shop.daemon() as daemon:
        daemon.says("leading")
        until(shop.evictions, daemon)
        code, answer = shop.say("halt", "--reason", "a test")
        assert code == 0, answer
        acknowledged = shop.evictions()
        slots = daemon.metric("chaosd_attempts_total")
        until(lambda: daemon.metric("chaosd_attempts_total") > slots + 1, daemon)
        assert shop.evictions() == acknowledged
        code, answer = shop.say("resume")
        assert code == 0, answer
        until(lambda: len(shop.evictions()) > len(acknowledged), daemon)
    assert shop.broken() == []


def test_a_halt_by_annotation(shop: Shop) -> None:
    """As ``kubectl annotate`` does it, without chaosd's commands."""
    with shop.daemon() as daemon:
        daemon.says("leading")
        until(shop.evictions, daemon)
        note = {"metadata": {"annotations": {"chaosd.io/halt": "a test"}}}
        shop.home.patch("configmaps", "chaosd-ledger", note)
        until(lambda: daemon.metric("chaosd_halted") == 1, daemon)
        # What was written down before is still struck.
        until(lambda: not shop.ledger().unsettled(), daemon)
        halted = shop.evictions()
        slots = daemon.metric("chaosd_attempts_total")
        until(lambda: daemon.metric("chaosd_attempts_total") > slots + 1, daemon)
        assert shop.evictions() == halted
        gone = {"metadata": {"annotations": {"chaosd.io/halt": None}}}
        shop.home.patch("configmaps", "chaosd-ledger", gone)
        until(lambda: len(shop.evictions()) > len(halted), daemon)
    assert shop.broken() == []
