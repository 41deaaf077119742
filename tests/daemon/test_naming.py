"""What people call workloads, pods and nodes."""

from __future__ import annotations

import pytest

from chaosd.core.model import WorkloadKey
from chaosd.daemon.naming import NamesNothing, meant, parse_workload

WEB = WorkloadKey("shop", "Deployment", "web")
NODE = WorkloadKey("", "Node", "node-1.example.org")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("shop/Deployment/web", WEB),
        (" shop/Deployment/web ", WEB),
        ("node/node-1.example.org", NODE),
        ("Node/node-1.example.org", NODE),
        ("etcd/StatefulSet/etcd", WorkloadKey("etcd", "StatefulSet", "etcd")),
        ("node/DaemonSet/agent", WorkloadKey("node", "DaemonSet", "agent")),
    ],
)
def test_names_that_need_nobody_to_be_asked(text: str, key: WorkloadKey) -> None:
    """The key alone, and no pod."""
    assert meant(text, None, None) == (key, "")  # type: ignore[arg-type]
    assert parse_workload(text) == key


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "/", "//", "web", "shop/", "/web", "a/b/c/d", "shop//web"),
        *(
            "../pods",
            "shop/..",
            "shop/.",
            "shop/web?watch=1",
            "shop/web#x",
            "shop/a b",
            "shop/web%2f",
        ),
        *(
            "../Deployment/web",
            "shop/Deployment/..",
            "node/..",
            "shop/web\n/x",
            "shop/" + "x" * 254,
        ),
        *("<script>/alert", "shop/Deployment/<b>", "shop/deployment/web"),
    ],
)
def test_what_names_nothing_is_said_and_asked_of_nobody(text: str) -> None:
    """No part of it gets into the path of a request to the API server."""
    with pytest.raises(NamesNothing, match=r"write|names nothing|is not"):
        meant(text, None, None)  # type: ignore[arg-type]
