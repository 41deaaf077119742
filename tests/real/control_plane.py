"""A real control plane on loopback: etcd, API server, controllers, scheduler; kwok for kubelets.

No containers: the binaries of ``make tools``, as processes, in a folder of their own.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from chaosd.kube.api import Api
from chaosd.kube.official import OfficialTransport
from chaosd.kube.records import Metadata
from chaosd.kube.resources import NODES
from chaosd.kube.signin import SignIn
from tests.real.keeper import Keeper
from tests.real.kubeconfig import write_kubeconfig
from tests.support.machine import MachineClock
from tests.support.ports import steady_ports
from tests.support.waiting import until

BINARIES = (
    "etcd",
    "etcdctl",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubectl",
    "kwok",
)
_BUILT = Path(__file__).parents[2] / ".tools" / "bin"
_STAGES = Path(__file__).with_name("stages.yaml")
_CLIENTS = ("kube-controller-manager", "kube-scheduler", "kwok")
_NO_FRILLS = ("--leader-elect=false", "--secure-port=0")


def binary(name: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Where a tool is: in ``KUBEBUILDER_ASSETS``, else where ``make tools`` puts it."""
    folders = [Path(text) for text in [environ.get("KUBEBUILDER_ASSETS", "")] if text]
    for folder in [*folders, _BUILT]:
        if os.access(folder / name, os.X_OK):
            return folder / name
    return None


def require_binaries() -> None:
    """Skip the test where tools are missing; fail it in CI, where that must not go unseen."""
    missing = [name for name in BINARIES if binary(name) is None]
    if shutil.which("openssl") is None:
        missing.append("openssl (a package of your system)")
    if missing:
        words = f"NO REAL CONTROL PLANE: `make tools` (it needs Go) builds {', '.join(missing)}"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)


class ControlPlane:
    """One cluster of processes in ``folder``, with no nodes yet.

    ``admin_token`` belongs to a member of system:masters, ``visitor_token`` to the user VISITOR, to
    whom nothing is granted. ``chaosd_token`` belongs to the user CHAOSD, who may do everything, and
    whose requests are in the audit log.
    """

    VISITOR: ClassVar[str] = "visitor"
    CHAOSD: ClassVar[str] = "chaosd"

    def __init__(self, folder: Path, keeper: Keeper) -> None:
        self._folder = folder
        self._keeper = keeper
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._etcd_port, self._peer_port, self._port = steady_ports(3)
        tokens = [secrets.token_hex(16) for _ in range(3)]
        self.admin_token, self.visitor_token, self.chaosd_token = tokens
        self.url = f"https://127.0.0.1:{self._port}"
        # The API server makes it, and signs itself with it.
        self.ca = folder / "certs" / "apiserver.crt"
        self.kubeconfig = folder / "admin.kubeconfig"
        self._audit = folder / "audit.log"

    def start_storage(self) -> None:
        """Start etcd and the API server alone; returns when that is ready."""
        self._write_files()
        self.start_etcd()
        self.start_api_server()
        self.wait_ready()
        write_kubeconfig(self.kubeconfig, self.url, token=self.admin_token, ca=self.ca)

    def start(self) -> None:
        """Start everything; returns when the API server is ready."""
        self.start_storage()
        self._start_clients()

    def recover(self) -> None:
        """After the API server was away: wait for it, and start anew all that looks at it.

        Their watches come back by themselves, but after up to a minute each: they wait ever longer
        between two tries, while a test waits for its pods.
        """
        self.wait_ready()
        for name in _CLIENTS:
            self.stop(name)
        self._start_clients()

    def _start_clients(self) -> None:
        key = f"--service-account-private-key-file={self._folder / 'accounts.key'}"
        ca = f"--root-ca-file={self.ca}"
        config = f"--kubeconfig={self.kubeconfig}"
        self._run("kube-controller-manager", config, *_NO_FRILLS, key, ca, *self._fast())
        self._run("kube-scheduler", config, *_NO_FRILLS, *self._fast())
        # It stands in for kubelets.
        self._run(
            "kwok",
            f"--kubeconfig={self.kubeconfig}",
            "--manage-all-nodes=true",
            "--node-ip=127.0.0.1",
            "--cidr=10.64.0.0/10",
            f"--config={_STAGES}",
        )

    def start_etcd(self) -> None:
        """Start etcd (again)."""
        client, peer = (f"http://127.0.0.1:{p}" for p in (self._etcd_port, self._peer_port))
        self._run(
            "etcd",
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync=true",
        )

    def start_api_server(self, *flags: str) -> None:
        """Start the API server (again), with more ``flags``."""
        key = self._folder / "accounts.key"
        self._run(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self._port}",
            f"--cert-dir={self.ca.parent}",
            "--authorization-mode=RBAC",
            f"--token-auth-file={self._folder / 'tokens.csv'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            f"--audit-policy-file={self._folder / 'audit-policy.json'}",
            f"--audit-log-path={self._audit}",
            # As clusters have it, for what runs on their nodes; helper pods need it.
            "--allow-privileged=true",
            # It would claim the address for a Service that nobody here can reach.
            "--endpoint-reconciler-type=none",
            *flags,
        )

    def wait_ready(self) -> None:
        """Wait until the API server says that it is ready."""
        until(self._ready, lambda: self.log("kube-apiserver"))

    def stop(self, name: str) -> None:
        """Kill one component and wait for its end."""
        process = self._processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._keeper.ended(process.pid)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one component."""
        os.killpg(self._processes[name].pid, number)

    def close(self) -> None:
        """End everything, the last one started first."""
        for name in reversed(list(self._processes)):
            self.stop(name)

    def log(self, name: str) -> str:
        """The end of what a component wrote."""
        path = self._folder / f"{name}.log"
        return f"{name}: ...{path.read_text(errors='replace')[-3000:]}"

    def audited(self, user: str = CHAOSD, since: int = 0) -> list[dict[str, Any]]:
        """What a user (CHAOSD, or a ServiceAccount) asked, and what was answered, in the order of
        the answers; ``since`` an earlier :meth:`audit_size`."""
        if not self._audit.exists():
            return []
        with self._audit.open() as log:
            log.seek(since)
            whole = (line for line in log if line.endswith("\n"))
            found = [json.loads(line) for line in whole if f'"{user}"' in line]
        return [one for one in found if one["user"]["username"] == user]

    def audit_size(self) -> int:
        """How long the audit log is, in bytes."""
        return self._audit.stat().st_size if self._audit.exists() else 0

    def add_node(self, name: str, labels: Mapping[str, str]) -> None:
        """A node that kwok looks after; returns when it is Ready and takes pods."""
        transport = OfficialTransport(SignIn(str(self.kubeconfig), environ={}))
        api = Api(transport, MachineClock())
        own = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": f"zone-{name[-1]}"}
        body = {"metadata": {"name": name, "labels": {**own, **labels}}}
        api.create(NODES, None, body, Metadata)

        def schedulable() -> bool:
            node = api.get(NODES, None, name, dict)
            ready = {one["type"]: one["status"] for one in node["status"].get("conditions", ())}
            return ready.get("Ready") == "True" and not node["spec"].get("taints")

        until(schedulable, lambda: self.log("kwok"))
        transport.close()

    def compact(self) -> None:
        """Make etcd forget all history, as the API server does every five minutes.

        It writes into a key what it compacted, and reads it there again 15 s later at most, to
        forget what it holds in memory of the past.
        """
        endpoint = f"--endpoints=http://127.0.0.1:{self._etcd_port}"
        command = [str(binary("etcdctl")), endpoint]
        seen = subprocess.run(
            [*command, "get", "none", "--write-out=json"], check=True, capture_output=True
        )
        revision = seen.stdout.decode().partition('"revision":')[2].partition(",")[0]
        for words in (["put", "compact_rev_key", revision], ["compaction", revision]):
            subprocess.run([*command, *words], check=True, capture_output=True)

    def _fast(self) -> tuple[str, ...]:
        """Tests wait for controllers: don't let them wait for a rate limit."""
        return ("--kube-api-qps=500", "--kube-api-burst=500")

    def _write_files(self) -> None:
        command = ["openssl", "genrsa", "-out", str(self._folder / "accounts.key"), "2048"]
        subprocess.run(command, check=True, capture_output=True)
        tokens = self._folder / "tokens.csv"
        tokens.touch(mode=0o600)
        tokens.write_text(
            f'{self.admin_token},admin,admin,"system:masters"\n'
            f"{self.visitor_token},{self.VISITOR},{self.VISITOR}\n"
            f'{self.chaosd_token},{self.CHAOSD},{self.CHAOSD},"system:masters"\n'
        )
        accounts = "system:serviceaccounts"
        rules: list[dict[str, Any]] = [
            {"level": "Metadata", "users": [self.CHAOSD]},
            {"level": "Metadata", "userGroups": [accounts]},
            {"level": "None"},
        ]
        policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules}
        policy["omitStages"] = ["RequestReceived"]
        (self._folder / "audit-policy.json").write_text(json.dumps(policy))

    def _run(self, name: str, *arguments: str) -> None:
        command = binary(name)
        assert command is not None, f"{name} is missing"
        # kwok keeps a folder at home.
        environ = {**os.environ, "HOME": str(self._folder)}
        with (self._folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [str(command), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environ,
                cwd=self._folder,
                start_new_session=True,
            )
        self._keeper.started(process.pid)
        self._processes[name] = process

    def _ready(self) -> bool:
        code = self._processes["kube-apiserver"].poll()
        assert code is None, f"it ended with {code}: {self.log('kube-apiserver')}"
        if not self.ca.exists():
            return False
        try:
            context = ssl.create_default_context(cafile=str(self.ca))
            url = f"{self.url}/readyz"
            with urllib.request.urlopen(url, timeout=5, context=context) as answer:
                return bool(answer.status == 200)
        except (OSError, ssl.SSLError):
            return False


@contextmanager
def running_control_plane(*, controllers: bool = True) -> Iterator[ControlPlane]:
    """A control plane until the end of the block, whatever happens; see require_binaries.

    Without ``controllers`` it is etcd and the API server alone.
    """
    require_binaries()
    with Keeper() as keeper, tempfile.TemporaryDirectory(prefix="chaosd-real-") as name:
        keeper.remove(Path(name))
        plane = ControlPlane(Path(name), keeper)
        try:
            if controllers:
                plane.start()
            else:
                plane.start_storage()
            yield plane
        finally:
            plane.close()
