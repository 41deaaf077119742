"""What people call things: from the words of a person to a workload, a pod or a node."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from chaosd.core.etcd_model import ETCD
from chaosd.core.model import NODE, Configuration, TargetKind, WorkloadKey
from chaosd.ports import CallFailed, NotFound

if TYPE_CHECKING:
    from chaosd.daemon.wiring import Connection
    from chaosd.engine.explain import Explainer

_POD = "Pod"
_NAME = re.compile(r"[A-Za-z0-9]([-.A-Za-z0-9]{0,251}[A-Za-z0-9])?")


class NamesNothing(ValueError):
    """A name that can't be anything's; the message says what to write instead."""


class NotThere(NamesNothing):
    """A name that could be something's, but is nothing's in this cluster."""


def meant(target: str, explainer: Explainer, connection: Connection) -> tuple[WorkloadKey, str]:
    """The workload that ``target`` names, and the pod if it names one ("" otherwise).

    Raises NamesNothing, NotThere and CallFailed.
    """
    parts = target.strip().split("/")
    # Kubernetes has stricter rules; these suffice for what goes into the path of a request.
    legal = all(map(_NAME.fullmatch, parts))
    if len(parts) == 3 and legal and parts[1] == _POD:
        return _pod(connection, parts[0], parts[2])
    if len(parts) == 3 and legal:
        return _workload(target), ""
    if len(parts) != 2 or not legal:
        raise NamesNothing(
            f"{target!r} names nothing: write namespace/Kind/name, like shop/Deployment/web, "
            "namespace/pod-name, node/NAME, or Etcd/NAME of a declared cluster"
        )
    first, name = parts
    if first.lower() == "node":
        return WorkloadKey("", NODE, name), ""
    if first == ETCD or (first == ETCD.lower() and explainer.declares(name)):
        return WorkloadKey("", ETCD, name), ""
    if not first[0].isupper():
        return _pod(connection, first, name)
    found = explainer.find(first, name)
    if not found:
        raise NotThere(f"no {target} has opted in: write its namespace too, like shop/{target}")
    if len(found) > 1:
        raise NamesNothing(f"{target} is several: write {' or '.join(map(str, found))}")
    return found[0], ""


def _pod(connection: Connection, namespace: str, name: str) -> tuple[WorkloadKey, str]:
    key = workload_of_pod(connection, namespace, name)
    if key is None:
        raise NotThere(
            f"there is no pod {name} in namespace {namespace}; for a workload write "
            "namespace/Kind/name"
        )
    return key, name


def check_there(
    key: WorkloadKey, pod: str, connection: Connection, configuration: Configuration
) -> None:
    """Make sure that what :func:`meant` has found in a name is there, as far as the API server says
    so: what can't be read is taken to be. A ``pod`` was read before.

    Raises NotThere, and NamesNothing for what is there and stands for nothing by itself.
    """
    if key.target is TargetKind.ETCD:
        if configuration.etcd_cluster(key.name) is None:
            names = ", ".join(cluster.name for cluster in configuration.etcd)
            declared = f"declared are: {names}" if names else "none is"
            raise NotThere(f"no etcd cluster {key.name} is declared; {declared}")
        return
    with suppress(CallFailed):
        if key.target is TargetKind.NODE:
            _node_there(connection, key.name)
        elif not pod:
            _workload_there(connection, key)


def _node_there(connection: Connection, name: str) -> None:
    from chaosd.kube.node_reads import KubeNodeReads  # noqa: PLC0415 - brings the client along

    if KubeNodeReads(connection.api).node(name) is None:
        raise NotThere(f"there is no node {name}")


def _workload_there(connection: Connection, key: WorkloadKey) -> None:
    from chaosd.kube.read_workloads import KINDS, is_topmost  # noqa: PLC0415 - brings the client along
    from chaosd.kube.reads import KubeReads  # noqa: PLC0415
    from chaosd.targets.family import family_of  # noqa: PLC0415

    where = f"in namespace {key.namespace}"
    if key.kind not in KINDS:
        if family_of(KubeReads(connection.api), key) is None:
            raise NotThere(f"there is no {key.kind} {key.name} {where} that has pods")
        return
    try:
        found = connection.api.get_metadata(KINDS[key.kind].resource, key.namespace, key.name)
    except NotFound:
        raise NotThere(f"there is no {key.kind} {key.name} {where}") from None
    if not is_topmost(found) and (owner := found.controller) is not None:
        write = f"{key.namespace}/{owner.kind}/{owner.name}"
        raise NamesNothing(f"{key} belongs to {owner.kind} {owner.name}: write {write}")


def parse_workload(text: str) -> WorkloadKey:
    """Read ``namespace/Kind/name``, ``Node/name`` or ``Etcd/name`` (``node/name``, as kubectl
    writes it, is as good); ValueError says what to write instead."""
    first, _, rest = text.strip().partition("/")
    alone = {kind.lower(): kind for kind in (NODE, ETCD)}
    # In front of two more names it is that of a namespace.
    short = first in alone and "/" not in rest
    key = WorkloadKey.parse(f"{alone[first]}/{rest}" if short else text)
    if not key.kind[0].isupper():
        from chaosd.config.reading import kind  # noqa: PLC0415 - brings pydantic along

        try:
            kind(key.kind)
        except ValueError as error:
            raise ValueError(f"{text!r}: {error}") from None
    return key


def workload_of_pod(connection: Connection, namespace: str, name: str) -> WorkloadKey | None:
    """The workload that a pod belongs to; None when there is no such pod. Raises CallFailed."""
    from chaosd.kube.reads import KubeReads  # noqa: PLC0415 - brings the client along
    from chaosd.targets.owners import workload_of  # noqa: PLC0415

    reads = KubeReads(connection.api)
    pod = reads.pod(namespace, name)
    if pod is None:
        return None
    key = workload_of(pod)
    if key is not None and key.kind == "Job":
        for page in reads.job_owners(namespace):
            for job, owner in page:
                if job == key:
                    return owner
    return key or WorkloadKey(namespace, "Pod", name)


def _workload(target: str) -> WorkloadKey:
    try:
        return parse_workload(target)
    except ValueError as error:
        raise NamesNothing(str(error)) from None
