"""How what was asked about is part of an etcd cluster, in words."""

from __future__ import annotations

import pytest

from chaosd.core.explained import etcd_part
from chaosd.core.model import WorkloadKey

SET = WorkloadKey("data", "StatefulSet", "etcd")
NODE = WorkloadKey("", "Node", "cp-1")


@pytest.mark.parametrize(
    ("key", "pod", "members", "says"),
    [
        (SET, "etcd-0", ("etcd-0",), "data/etcd-0 is member etcd-0 of etcd cluster main"),
        (SET, "", ("a", "b"), "data/StatefulSet/etcd runs members a, b of etcd cluster main"),
        (NODE, "", ("a",), "Node/cp-1 hosts member a of etcd cluster main"),
        (
            *(SET, "etcd-9", ()),
            "data/etcd-9 may be part of etcd cluster main, and is no member that is known now",
        ),
    ],
)
def test_which_member_it_is(
    key: WorkloadKey, pod: str, members: tuple[str, ...], says: str
) -> None:
    """By its name; what is declared to be one and is not known is said too."""
    assert etcd_part(key, pod, "main", members).says == says
