"""The requests of a drain are told apart by what they ask for, and by whom they are about."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from benchmarks.drains import BACK, DECISION, DRAIN, RECOVERY, Shop, by_chaosd, is_own, kind
from chaosd.sandbox import RequestRecord

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("verb", "path", "named", "own"),
    [
        ("get", "/api/v1/nodes/worker-1", "get nodes", False),
        ("list", "/api/v1/nodes", "list nodes", False),
        ("list", "/api/v1/pods", "list pods", False),
        ("get", "/api/v1/namespaces/team-1/pods/web-1", "get pods", False),
        (
            "create",
            "/api/v1/namespaces/team-1/pods/web-1/eviction",
            "create pods/eviction",
            False,
        ),
        ("get", "/api/v1/namespaces/team-1", "get namespaces", False),
        ("list", "/api/v1/namespaces", "list namespaces", False),
        (
            "list",
            "/apis/policy/v1/namespaces/team-1/poddisruptionbudgets",
            "list poddisruptionbudgets",
            False,
        ),
        ("get", "/api/v1", "discovery", False),
        ("get", "/apis/apps/v1", "discovery", False),
        ("get", "/api", "discovery", False),
        (
            "patch",
            "/api/v1/namespaces/chaosd/configmaps/chaosd-ledger",
            "patch configmaps",
            True,
        ),
        (
            "patch",
            "/apis/coordination.k8s.io/v1/namespaces/chaosd/leases/chaosd",
            "patch leases",
            True,
        ),
        ("create", "/apis/events.k8s.io/v1/namespaces/team-1/events", "create events", True),
    ],
)
def test_requests_are_told_apart(verb: str, path: str, named: str, own: bool) -> None:
    """By verb and resource; the ledger, the lease and Events are chaosd's own."""
    one = RequestRecord(NOW, verb, "", path, "", "", 200, took_effect=True)
    assert (kind(one), is_own(one)) == (named, own)


def test_every_part_of_a_drain_is_counted() -> None:
    """One eviction for each pod, one taint and its end; what is chaosd's own is in no part."""
    shop = Shop("a small one", 1)
    drained = by_chaosd(shop)
    assert list(drained.parts) == [DECISION, DRAIN, BACK, RECOVERY]
    assert drained.parts[DRAIN]["create pods/eviction"] == shop.pods
    assert drained.parts[DRAIN]["patch nodes"] == drained.parts[BACK]["patch nodes"] == 1
    assert not any(one.split()[0] in ("create", "patch") for one in drained.parts[DECISION])
    assert {one.split()[1] for one in drained.own} - {"leases"} == {"configmaps", "events"}
    asked = {one.split()[1] for part in drained.parts.values() for one in part}
    assert not asked & {"configmaps", "events", "leases"}
