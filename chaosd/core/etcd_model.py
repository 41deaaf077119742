"""Declared etcd clusters: how chaosd finds their members, and what gates a strike on them."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from msgspec import Struct

from chaosd.core.selector import Selector

ETCD = "Etcd"
"""The kind under which a declared cluster stands in workload keys and locks: ``Etcd/<name>``."""


class MemberRole(StrEnum):
    """Which member of a cluster a policy draws: by its role at that moment."""

    ANY = "any"
    LEADER = "leader"
    FOLLOWER = "follower"


class Drawn(Struct, frozen=True):
    """The member that a policy of target etcd has drawn, as far as it can be told from others.

    ``cluster`` is the key of its cluster, ``role`` what the policy asks of it. ``member`` is its
    id; else it is what the impact takes down, but only what serves peers at ``peer_port`` where
    that is given: a machine may have members of several clusters, and of one.
    """

    cluster: str
    role: MemberRole = MemberRole.ANY
    member: str = ""
    peer_port: int | None = None


class EtcdPods(Struct, frozen=True):
    """Members that are pods of this Kubernetes cluster; each is asked at ``scheme://<its IP>:port``
    and must be a member of the one cluster that they make up."""

    namespace: str
    labels: Selector
    port: int = 2379
    scheme: str = "https"


class EtcdTls(Struct, frozen=True):
    """Files (PEM), read again whenever they change. "" for ``ca`` trusts the system's; without
    ``cert`` and ``key`` no client certificate is shown. ``server_name`` is what the members'
    certificates must be for, "" for the host that is asked."""

    ca: str = ""
    cert: str = ""
    key: str = ""
    server_name: str = ""


class EtcdAuth(Struct, frozen=True):
    """A user of etcd, and the file that holds its password, read whenever somebody signs in."""

    username: str
    password_file: str


class EtcdBackup(Struct, frozen=True):
    """The newest backup must not be older than ``max_age``.

    Its age is what the Prometheus ``query`` at ``prometheus`` answers, in seconds; or else that of
    ``file``, by its modification time (of a folder: the newest file in it). ``ca`` is whom the
    certificate of Prometheus must be signed by, "" for the system's; ``bearer_token_file`` holds
    what it is shown, read for each query, "" for nothing.
    """

    max_age: timedelta
    prometheus: str = ""
    query: str = ""
    file: str = ""
    ca: str = ""
    bearer_token_file: str = ""


class EtcdCluster(Struct, frozen=True):
    """One declared cluster: by ``endpoints`` (client URLs) or by ``pods``, never both.

    Declaring it opts nothing in: a policy must name it. Every strike that takes one of its members
    down, of whichever policy, meets its guard. ``snapshot_check``: how often a whole snapshot is
    streamed and its hash checked, and so how old a good check may be; None for never. ``auth``: who
    is signed in where etcd's own authentication is on; None for nobody.
    """

    name: str
    endpoints: tuple[str, ...] = ()
    pods: EtcdPods | None = None
    tls: EtcdTls | None = None
    backup: EtcdBackup | None = None
    snapshot_check: timedelta | None = None
    auth: EtcdAuth | None = None

    @property
    def key(self) -> str:
        """Its workload key, which is also the lock that an intent on it holds: ``Etcd/<name>``."""
        return f"{ETCD}/{self.name}"
