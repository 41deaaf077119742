"""A declared etcd cluster, and pictures of it, for the reports."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from chaosd.core.etcd_model import EtcdBackup, EtcdCluster
from chaosd.core.quorum import Member, Picture
from tests.report.scene import START

MAIN = EtcdCluster(
    "main", ("http://10.0.0.1:2379",), backup=EtcdBackup(timedelta(days=1), file="/b")
)


def member(name: str, **changes: Any) -> Member:
    """A member that is well."""
    plain = Member(
        id=f"id-{name}",
        name=name,
        leader="id-a",
        cluster_id="c1",
        known=("id-a", "id-b", "id-c"),
        size=4096,
    )
    return msgspec.structs.replace(plain, **changes)


def picture(*members: Member, name: str = "main") -> Picture:
    """Three members that are well, or those given."""
    plain = (member("a"), member("b"), member("c"))
    return Picture(name=name, at=START, members=members or plain)
