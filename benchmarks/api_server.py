"""A real etcd and a real API server on loopback, and nothing else: what is in them stands still.

The binaries are those of ``make tools``. The store is written straight into etcd once, in the form
in which the API server keeps it, and kept in a folder for the next time.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import ssl
import subprocess
import tempfile
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.children import until
from benchmarks.fill import fill, fingerprint, forget
from benchmarks.stock import Stock
from chaosd.daemon.clocks import SystemClock
from chaosd.kube.api import Api
from chaosd.kube.official import OfficialTransport
from chaosd.kube.records import Metadata
from chaosd.kube.resources import (
    BUDGETS,
    DEPLOYMENTS,
    NAMESPACES,
    NODES,
    PODS,
    REPLICA_SETS,
    Resource,
)
from chaosd.kube.retry import NO_RETRIES
from chaosd.kube.signin import SignIn
from chaosd.ports import CallFailed, Conflict
from tests.real.control_plane import binary
from tests.real.keeper import Keeper
from tests.real.kubeconfig import write_kubeconfig
from tests.support.ports import steady_ports

HOMES = tuple(f"chaosd-{number}" for number in range(14))
"""Namespaces for a ledger and a lease each."""
_NEEDED = ("etcd", "kube-apiserver")
_GOGC = "40"
"""Less memory for more CPU time of servers, which is not what is measured."""
_BOOT = 900.0
"""Seconds that an API server may take to read its store."""
_LEFT_BY_OTHERS = ("configmaps", "leases", "events")
"""What daemons of an earlier run have left in their homes."""


def missing() -> list[str]:
    """The binaries that are not there."""
    return [name for name in _NEEDED if binary(name) is None]


class ApiServer:
    """etcd and an API server over this stock, from the start to the end of the ``with`` block.

    ``say`` is told what is going on. The filled store is kept below ``cache``.
    """

    def __init__(self, stock: Stock, say: Callable[[str], None], cache: Path) -> None:
        self._stock = stock
        self._say = say
        self._store = cache / f"bench-{stock.deployments}"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            self._keeper = opened.enter_context(Keeper())
            name = opened.enter_context(tempfile.TemporaryDirectory(prefix="chaosd-bench-"))
            self._keeper.remove(Path(name))
            self.folder = Path(name)
            opened.callback(self._close)
            self._fill()
            self._boot()
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.close()

    # ---- the store

    def _fill(self) -> None:
        """Fill the store, unless a folder holds this very stock already."""
        mark, wanted = self._store / "filled", fingerprint(self._stock)
        if mark.exists() and mark.read_text() == wanted:
            return
        shutil.rmtree(self._store, ignore_errors=True)
        self._store.mkdir(parents=True)
        etcd = self._start_etcd()
        fill(etcd, self._stock, self._say)
        # What it wrote fills its memory; a new one begins small.
        self._stop("etcd")
        mark.write_text(wanted)

    def _boot(self) -> None:
        etcd = self._start_etcd()
        forget(etcd, [f"{kind}/{home}/" for kind in _LEFT_BY_OTHERS for home in HOMES])
        self._say("starting the API server")
        self._start_api_server(etcd)
        self._wait()

    # ---- the processes

    def _start_etcd(self) -> str:
        client, peer = (f"http://127.0.0.1:{port}" for port in steady_ports(2))
        self._run(
            "etcd",
            f"--data-dir={self._store / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync=true",
            f"--quota-backend-bytes={8 << 30}",
            # Transactions of some MB: many objects each, and few of them kept in memory.
            "--max-txn-ops=1000",
            f"--max-request-bytes={8 << 20}",
            "--snapshot-count=100",
            "--snapshot-catchup-entries=5",
        )
        until(lambda: _healthy(f"{client}/health"), "etcd", every=0.1)
        return client

    def _start_api_server(self, etcd: str) -> None:
        (port,) = steady_ports(1)
        key, tokens = self.folder / "accounts.key", self.folder / "tokens.csv"
        command = ["openssl", "genrsa", "-out", str(key), "2048"]
        subprocess.run(command, check=True, capture_output=True)
        token = secrets.token_hex(16)
        tokens.touch(mode=0o600)
        tokens.write_text(f'{token},admin,admin,"system:masters"\n')
        self.url = f"https://127.0.0.1:{port}"
        self._certificate = self.folder / "certs" / "apiserver.crt"
        self.kubeconfig = self.folder / "admin.kubeconfig"
        write_kubeconfig(self.kubeconfig, self.url, token=token, ca=self._certificate)
        self._run(
            "kube-apiserver",
            f"--etcd-servers={etcd}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={port}",
            f"--cert-dir={self._certificate.parent}",
            "--authorization-mode=RBAC",
            f"--token-auth-file={tokens}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--endpoint-reconciler-type=none",
        )

    def _wait(self) -> None:
        """Until it is ready, has everything in its caches, and there are homes."""
        until(self._ready, "the API server", seconds=_BOOT, every=0.2)
        api = Api(
            OfficialTransport(SignIn(str(self.kubeconfig), environ={})),
            SystemClock(),
            retry=NO_RETRIES,
        )
        wanted = {
            DEPLOYMENTS: self._stock.deployments,
            PODS: self._stock.pods,
            NODES: self._stock.nodes,
            BUDGETS: self._stock.deployments,
            REPLICA_SETS: self._stock.replica_sets,
        }
        for resource, count in wanted.items():
            self._say(f"starting the API server: {count:,} {resource.plural}")
            until(partial(_holds, api, resource, count), resource, _BOOT, 0.5)
        for home in HOMES:
            with suppress(Conflict):
                api.create(NAMESPACES, None, {"metadata": {"name": home}}, Metadata)

    def _run(self, name: str, *arguments: str) -> None:
        command = binary(name)
        assert command is not None, f"{name} is missing"
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [str(command), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "HOME": str(self.folder), "GOGC": _GOGC},
                cwd=self.folder,
                start_new_session=True,
            )
        self._keeper.started(process.pid)
        self._processes[name] = process

    def _stop(self, name: str) -> None:
        """SIGTERM, so that etcd leaves a whole store behind; SIGKILL when that takes too long."""
        process = self._processes.pop(name)
        process.terminate()
        try:
            process.wait(60 if name == "etcd" else 5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._keeper.ended(process.pid)

    def _close(self) -> None:
        for name in reversed(list(self._processes)):
            self._stop(name)

    def log(self, name: str) -> str:
        """The end of what a process wrote."""
        return (self.folder / f"{name}.log").read_text(errors="replace")[-3000:]

    def _ready(self) -> bool:
        code = self._processes["kube-apiserver"].poll()
        if code is not None:
            raise RuntimeError(f"the API server ended with {code}: {self.log('kube-apiserver')}")
        if not self._certificate.exists():
            return False
        context = ssl.create_default_context(cafile=str(self._certificate))
        return _healthy(f"{self.url}/readyz", context)


def _healthy(url: str, context: ssl.SSLContext | None = None) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5, context=context) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _holds(api: Api, resource: Resource, count: int) -> bool:
    """Whether it has so many; before its cache is filled, it refuses lists with a selector."""
    try:
        for _ in api.pages(resource, None, Metadata, labels="example.com/nobody=has-this"):
            pass
        return api.count(resource) == count
    except CallFailed:
        return False
