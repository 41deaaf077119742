"""One question answered: what a name means, whether it is there, and all that speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from chaosd.core.etcd_answer import EtcdAnswer
from chaosd.core.explained import EtcdPart, Explanation, etcd_part
from chaosd.core.model import Configuration, TargetKind, WorkloadKey
from chaosd.daemon.etcd_state import etcd_answers
from chaosd.daemon.naming import NotThere, check_there, meant
from chaosd.engine.explain import PolicyExplained
from chaosd.engine.explained import explanation
from chaosd.ports import Clock

if TYPE_CHECKING:
    from datetime import datetime

    from chaosd.daemon.wiring import Connection
    from chaosd.engine.explain import Explainer
    from chaosd.targets.etcd_named import Parts


class Asked(Struct, frozen=True):
    """What was asked about (None: everything), and the answer: what each policy finds, the etcd
    clusters that it concerns, and those that it is part of."""

    key: WorkloadKey | None
    pod: str
    policies: tuple[PolicyExplained, ...]
    etcd: Sequence[EtcdAnswer]
    part_of: tuple[EtcdPart, ...] = ()

    @property
    def explanation(self) -> Explanation:
        """As programs read it."""
        target = str(self.key) if self.key is not None else ""
        return explanation(target, self.policies, self.etcd, self.part_of)


def ask_all(
    explainer: Explainer, connection: Connection, configuration: Configuration, clock: Clock
) -> Asked:
    """Explain everything that opted in, and every declared etcd cluster."""
    found = tuple(explainer.everything())
    return Asked(None, "", found, etcd_answers(connection, configuration, clock.now()))


def ask(
    target: str,
    explainer: Explainer,
    connection: Connection,
    configuration: Configuration,
    clock: Clock,
) -> Asked:
    """Explain what ``target`` names. Raises NamesNothing, NotThere and CallFailed."""
    try:
        key, pod = meant(target, explainer, connection)
    except NotThere as error:
        raise NotThere(f"{error}{_members_there(target, configuration)}") from None
    check_there(key, pod, connection, configuration)
    parts = _parts(key, pod, connection, configuration, clock.now())
    about = {key.name} if key.target is TargetKind.ETCD else parts
    return Asked(
        key,
        pod,
        tuple(explainer.workload(key, pod, parts)),
        etcd_answers(connection, configuration, clock.now(), about),
        tuple(etcd_part(key, pod, name, members) for name, members in parts.items()),
    )


def _members_there(target: str, configuration: Configuration) -> str:
    """Where to look for a member whose pod is gone at this moment, as it is after each strike."""
    namespace = target.strip().partition("/")[0]
    names = [one.key for one in configuration.etcd if one.pods and one.pods.namespace == namespace]
    return f"; members of etcd in that namespace: write {' or '.join(names)}" if names else ""


def _parts(
    key: WorkloadKey,
    pod: str,
    connection: Connection,
    configuration: Configuration,
    now: datetime,
) -> Parts:
    """The members of declared clusters that it is, runs or hosts; nothing is read while none is
    declared."""
    if not configuration.etcd or key.target is TargetKind.ETCD:
        return {}
    from chaosd.kube.node_reads import KubeNodeReads  # noqa: PLC0415 - brings the client along
    from chaosd.targets.etcd_named import members_in, members_on  # noqa: PLC0415
    from chaosd.targets.family import family_of  # noqa: PLC0415

    clusters, reads = connection.etcd.clusters, KubeNodeReads(connection.api)
    if key.target is TargetKind.NODE:
        node = reads.node(key.name)
        if node is None:
            raise NotThere(f"there is no node {key.name}")
        return members_on(clusters, configuration, node, now)
    if pod:
        found = reads.pod(key.namespace, pod)
        return members_in(clusters, configuration, [found] if found is not None else [], now)
    family = family_of(reads, key)
    return members_in(clusters, configuration, family.pods if family is not None else (), now)
