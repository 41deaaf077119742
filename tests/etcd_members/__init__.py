"""Real etcd clusters on loopback, for tests: members as processes, TLS, and things that go wrong.

A test support package: see :mod:`tests.etcd_members.cluster`.
"""

from __future__ import annotations

from tests.etcd_members.authority import Authority, Tls
from tests.etcd_members.cluster import EtcdCluster, require_etcd
from tests.etcd_members.member import Member

__all__ = ["Authority", "EtcdCluster", "Member", "Tls", "require_etcd"]
