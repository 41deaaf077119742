"""The scenario `etcd`: a StatefulSet whose pods are real etcd members, each a process on loopback.

The pods have addresses of their own in 127.0.0.0/8, all of which is this machine (on Linux), and so
the same ports, as members in a cluster have.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import urllib3

from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.objects import Json, controller_of
from chaosd.sandbox.processes import Processes, Program, tell_nobody
from chaosd.sandbox.scenarios import (
    api_servers,
    daemon_set,
    deployment,
    namespace,
    node,
    pdb,
    settle,
    stateful_set,
)
from chaosd.sandbox.volumes import claim_template

NAME = "etcd"
"""Of the namespace, the StatefulSet and its budget."""
LABELS = {"app.kubernetes.io/name": "etcd"}
MEMBERS = 3
CLIENT_PORT, PEER_PORT = 2379, 2380
ZONES = ("zone-a", "zone-b", "zone-c")

_CLAIM = "data"
_NETWORKS = range(256)
_HOLDER = 254
_ANSWER_SECONDS = 2.0


class PortsTaken(Exception):
    """Somebody listens on etcd's ports on all addresses of this machine."""


def etcd(cluster: Cluster, age: timedelta = timedelta(days=3), members: int = MEMBERS) -> Cluster:
    """Nodes in three zones, one for each member, and a StatefulSet etcd/etcd of three ``members``,
    opted in, with a claim for each and a budget that lets one go at a time; shop/web is opted in
    too; the same cluster.

    Everything is Ready and `age` old but the members: they start with the controllers, and are
    Ready when a real process answers (see :class:`Members`).
    """
    with cluster.backdated(age):
        for number in range(members):
            node(cluster, f"node-{number + 1}", zone=ZONES[number % len(ZONES)])
        for name in ("default", "chaosd", "shop"):
            namespace(cluster, name)
        api_servers(cluster, "10.0.0.254")
        deployment(cluster, "shop", "web", 3, opt_in=True)
        critical = {"priorityClassName": "system-cluster-critical"}
        deployment(cluster, "kube-system", "coredns", 2, pod_spec=critical)
        daemon_set(cluster, "logging", "agent")
        settle(cluster)
        ports = {"client": CLIENT_PORT, "peer": PEER_PORT}
        stateful_set(
            cluster,
            NAME,
            NAME,
            members,
            # As etcd needs it: the first member is healthy only with a second one.
            parallel=True,
            opt_in=True,
            labels=LABELS,
            pod_labels=LABELS,
            container={
                "name": "etcd",
                "command": ["etcd"],
                "ports": [{"name": key, "containerPort": port} for key, port in ports.items()],
                "volumeMounts": [{"name": _CLAIM, "mountPath": "/var/lib/etcd"}],
            },
        )
        with cluster.edit("statefulsets.apps", NAME, NAME) as item:
            item["spec"]["volumeClaimTemplates"] = [claim_template(_CLAIM)]
        pdb(cluster, NAME, NAME, match=LABELS, max_unavailable=1)
    return cluster


class Members(Processes):
    """The processes of the scenario's pods: ``count`` members run by the program ``binary``, with
    their data and logs in ``folder``; for ``dying`` see Processes.

    The member etcd-N listens on ``NETWORK.N+1``; no other sandbox has that network at the same
    time. Raises PortsTaken.
    """

    def __init__(
        self,
        binary: Path,
        folder: Path,
        count: int = MEMBERS,
        dying: Callable[[Program], None] = tell_nobody,
    ) -> None:
        super().__init__(self._program, dying=dying)
        self._binary = binary
        self.count = count
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.network, self._claim = _free_network(count)
        self._http = urllib3.PoolManager(retries=False, timeout=_ANSWER_SECONDS)
        etcds_own = [key for key in os.environ if key.startswith("ETCD_")]
        self._environ = {key: os.environ[key] for key in os.environ if key not in etcds_own}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        self._http.clear()
        self._claim.close()

    @property
    def endpoints(self) -> list[str]:
        """The client URLs of the members."""
        return [f"http://{self._address(one)}:{CLIENT_PORT}" for one in range(self.count)]

    def _program(self, pod: Json) -> Program | None:
        owner = controller_of(pod)
        meta = pod["metadata"]
        if owner is None or (owner["kind"], owner["name"]) != ("StatefulSet", NAME):
            return None
        if meta["namespace"] != NAME:
            return None
        name = meta["name"]
        address = self._address(int(name.rpartition("-")[2]))
        client, peer = (f"http://{address}:{port}" for port in (CLIENT_PORT, PEER_PORT))
        first = ",".join(
            f"{NAME}-{number}=http://{self._address(number)}:{PEER_PORT}"
            for number in range(self.count)
        )
        command = (
            str(self._binary),
            f"--name={name}",
            f"--data-dir={self.folder / f'{_CLAIM}-{name}'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster={first}",
            "--initial-cluster-token=sandbox",
            # A SIGKILL takes nothing from the page cache, and nobody cuts the power of a sandbox.
            "--unsafe-no-fsync=true",
        )
        log = self.folder / f"{name}.log"
        return Program(address, command, lambda: self._healthy(client), log, self._environ)

    def _address(self, ordinal: int) -> str:
        return f"{self.network}.{ordinal + 1}"

    def _healthy(self, url: str) -> bool:
        """What the member says at /health: it has a leader, reads by quorum, and no alarm."""
        try:
            answer = self._http.request("GET", f"{url}/health")
            return answer.status == 200 and answer.json().get("health") == "true"
        except (urllib3.exceptions.HTTPError, ValueError):
            return False


def _free_network(members: int) -> tuple[str, socket.socket]:
    """The first three numbers of free addresses, and the socket that keeps them for its owner."""
    for number in _NETWORKS:
        network = f"127.1.{number}"
        claim = socket.socket()
        try:
            # Bound without listening: nobody connects to it, and no other sandbox can bind it.
            claim.bind((f"{network}.{_HOLDER}", PEER_PORT))
            with ExitStack() as stack:
                for host in range(1, members + 1):
                    for port in (CLIENT_PORT, PEER_PORT):
                        tried = stack.enter_context(socket.socket())
                        # As etcd binds: what a member that was killed left behind is no hindrance.
                        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                        tried.bind((f"{network}.{host}", port))
        except OSError:
            claim.close()
            continue
        return network, claim
    where = f"127.1.0.1 to 127.1.{_NETWORKS[-1]}.{members}"
    raise PortsTaken(
        f"the ports {CLIENT_PORT} and {PEER_PORT} are taken on {where}, or there are no such "
        "addresses (Linux has them)"
    )
