"""A simulated cluster in a process of its own, so that its CPU time is not counted.

Nothing moves in it (no controllers): everything in it is Ready and a day old.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks import big_nodes
from benchmarks.children import start
from chaosd.sandbox import Cluster, SandboxServer, scenarios
from chaosd.sandbox.bulk import bulk
from chaosd.sandbox.templates import OPT_IN

HOMES = tuple(f"chaosd-{number}" for number in range(11))
"""Namespaces for a ledger and a lease each, so that daemons can run side by side."""


class SimulatedCluster:
    """The cluster, from the start to the end of the ``with`` block.

    ``opted_in`` is the share of the Deployments that are labelled; all ``nodes`` are. Objects are
    as heavy as an API server sends them, managedFields included.
    """

    def __init__(self, deployments: int, pods_each: int, nodes: int, opted_in: float) -> None:
        self._shape = (str(deployments), str(pods_each), str(nodes), str(opted_in))

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="chaosd-bench-")
        self.folder = Path(self._folder.name)
        self.kubeconfig = self.folder / "kubeconfig"
        arguments = ("-m", __name__, *self._shape, str(self.kubeconfig))
        self._process = start(*arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        told = self._process.stdout.readline()
        if not told:
            raise RuntimeError("the simulated cluster did not start")
        self.url: str = json.loads(told)["url"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # It serves until its standard input ends, so it can't outlive this process.
        self._process.communicate()
        self._folder.cleanup()


def serve(deployments: int, pods_each: int, nodes: int, opted_in: float, kubeconfig: Path) -> None:
    """Fill a cluster, say where it is, and serve it until standard input ends."""
    cluster = Cluster(lambda: datetime.now(UTC), seed=1)
    with cluster.backdated(timedelta(days=1)):
        for name in ("kube-system", *HOMES):
            scenarios.namespace(cluster, name)
        bulk(
            cluster,
            deployments=deployments,
            pods_each=pods_each,
            opted_in=opted_in,
            nodes=nodes,
            managed_fields=True,
        )
        _fatten(cluster)
    with SandboxServer(cluster, controllers=False) as server:
        server.kubeconfig(kubeconfig)
        print(json.dumps({"url": server.url}), flush=True)
        sys.stdin.read()


def _fatten(cluster: Cluster) -> None:
    """Opt every node in, and make it as heavy as others are."""
    images, fields = big_nodes.images(), big_nodes.managed_fields()
    for number, node in enumerate(cluster.all("nodes")):
        meta, status = node["metadata"], node["status"]
        meta = {**meta, "labels": {**meta["labels"], OPT_IN: "true"}, "managedFields": fields}
        status = {**status, "images": images, "nodeInfo": big_nodes.info(number)}
        cluster.put("nodes", {**node, "metadata": meta, "status": status})
    cluster.compact()


if __name__ == "__main__":
    counts, share, config = sys.argv[1:4], sys.argv[4], sys.argv[5]
    deployments, pods_each, nodes = map(int, counts)
    serve(deployments, pods_each, nodes, float(share), Path(config))
