"""The cluster as commands reach it, and as the daemon does."""

from __future__ import annotations

from chaosd.cli.cluster import connected
from chaosd.daemon.wiring import connect
from tests.cli.shop import Shop


def test_a_command_checks_no_snapshots(shop: Shop) -> None:
    """The daemon does: what a command does not know of them is no reason to it."""
    kubeconfig = str(shop.kubeconfig)
    assert connect(kubeconfig, environ={}).etcd.memory.checks_snapshots
    assert not connected(kubeconfig, None, None).etcd.memory.checks_snapshots
