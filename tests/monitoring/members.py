"""Three members of an etcd cluster on loopback, as their JSON gateway speaks, without etcd.

Each is a pod of a simulated StatefulSet and answers while that pod is Ready and stays. Clients find
them on loopback; the peer URLs that they list are their pods' DNS names, by which they are known.
"""

from __future__ import annotations

import base64
import hashlib
import json
from contextlib import ExitStack
from functools import partial
from typing import Any, Self

from chaosd.sandbox import Cluster, scenarios
from chaosd.sandbox.cluster import Change
from chaosd.sandbox.objects import is_deleting, is_ready
from chaosd.sandbox.volumes import claim_template
from tests.support.loopback import Exchange, serving

COUNT = 3
NAME = "etcd"
"""Of the StatefulSet, and of its namespace."""
START_SECONDS = 2.0
"""How long a pod takes to be Ready: longer than it is between two reads of one member."""
_DATABASE = b"\0" * 4096
_BLOB = base64.b64encode(_DATABASE + hashlib.sha256(_DATABASE).digest()).decode()


class Members:
    """``leader`` is the number of the one that all name, until it is told to hand over or goes
    down: then another one leads at once."""

    def __init__(self) -> None:
        self.leader = 1
        self._up = set(range(1, COUNT + 1))
        self.endpoints: list[str] = []
        """Where clients find them, in the block."""
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for number in range(1, COUNT + 1):
            self.endpoints.append(self._stack.enter_context(serving(partial(self._serve, number))))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def fill(self, cluster: Cluster) -> None:
        """Give the members their pods, with claims, in a cluster that is not settled yet."""
        scenarios.namespace(cluster, NAME)
        # Not on a node that is drained: what is shown is the loss of a member by itself.
        pod_spec = {"nodeSelector": {"kubernetes.io/hostname": "node-0"}}
        scenarios.stateful_set(
            cluster,
            NAME,
            NAME,
            COUNT,
            parallel=True,
            container={"name": NAME, "command": ["etcd"]},
            pod_spec=pod_spec,
            start_seconds=START_SECONDS,
        )
        with cluster.edit("statefulsets.apps", NAME, NAME) as item:
            item["spec"]["volumeClaimTemplates"] = [claim_template("data")]
        scenarios.settle(cluster)
        cluster.subscribe(self._changed)

    def _changed(self, change: Change) -> None:
        """Go down with a pod that is on its way out, and come back with the one that is Ready."""
        namespace, name = change.key
        if change.resource != "pods" or namespace != NAME:
            return
        number, pod = int(name.rpartition("-")[2]) + 1, change.new
        if pod is not None and is_ready(pod) and not is_deleting(pod):
            self._up.add(number)
        else:
            self._up.discard(number)
        if self._up and self.leader not in self._up:
            self.leader = min(self._up)

    def _serve(self, number: int, exchange: Exchange) -> None:
        said: dict[str, Any] = {"health": "true", "reason": ""}
        if exchange.command == "POST":
            said = self._answer(exchange.path, number, json.loads(exchange.body() or "{}"))
        if number in self._up:  # otherwise the connection ends without an answer
            exchange.answer(json.dumps(said).encode() + b"\n")

    def _answer(self, path: str, number: int, asked: dict[str, Any]) -> dict[str, Any]:
        if path == "/v3/maintenance/transfer-leadership":
            self.leader = int(asked["targetID"])
        if path == "/v3/maintenance/snapshot":
            return {"result": {"remaining_bytes": "0", "blob": _BLOB}}
        header = {"cluster_id": "77", "member_id": str(number), "revision": "9", "raft_term": "2"}
        more: dict[str, Any] = {}
        if path == "/v3/cluster/member/list":
            more = {"members": [_listed(at, url) for at, url in enumerate(self.endpoints, 1)]}
        elif path == "/v3/maintenance/status":
            more = {
                "version": "3.6.8",
                "dbSize": "20480",
                "dbSizeInUse": "16384",
                "leader": str(self.leader),
                "raftIndex": "40",
                "raftTerm": "2",
                "raftAppliedIndex": "40",
            }
        return {"header": header, **more}


def _listed(number: int, url: str) -> dict[str, Any]:
    pod = f"{NAME}-{number - 1}"
    peer = f"http://{pod}.{NAME}.{NAME}.svc:2380"
    return {"ID": str(number), "name": pod, "peerURLs": [peer], "clientURLs": [url]}
