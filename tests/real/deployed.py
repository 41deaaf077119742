"""chaosd as it is deployed: the chart on a real API server, and a process in place of its pod."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from shutil import rmtree
from typing import Any

import yaml

from chaosd.core import ledger_text
from chaosd.core.ledger import Intent, Ledger, Result, Verdict
from tests.contract.manifests import Json
from tests.contract.site import Place, Site
from tests.deploy.tools import Helm, find
from tests.real.control_plane import ControlPlane, binary
from tests.real.daemon import Daemon, environment
from tests.support.waiting import until

_FIELDS = ("name", "namespace")


def policy(*namespaces: str, name: str = "web", **more: Any) -> Json:
    """A policy that strikes each second in these namespaces, what has just come up too."""
    select = {"namespaces": [*namespaces], "minAge": "0s", **more.pop("select", {})}
    return {
        "name": name,
        "target": "pod",
        "action": "evict",
        "schedule": {"every": "1s"},
        "select": select,
        "deadline": "60s",
        "cooldown": "0s",
        **more,
    }


def live(*policies: Json, **more: Any) -> Json:
    """A live configuration that limits nothing but two victims at once."""
    limits = {"perHour": 10000, "perDay": 10000, "concurrent": 2}
    always = {"allow": "always"}
    return {"dryRun": False, "windows": always, "limits": limits, "policies": [*policies], **more}


def chaosd_namespace(site: Site, **labels: str) -> Place:
    """A namespace that admits restricted pods alone."""
    levels = ("enforce", "warn", "audit")
    restricted = {f"pod-security.kubernetes.io/{level}": "restricted" for level in levels}
    return site.namespace(**restricted, **labels)


class Volume:
    """A folder as a kubelet keeps it for a ConfigMap or a token: changed all at once.

    Each file is a symlink into ``..data``, itself a symlink, which a rename moves to a new folder.
    https://pkg.go.dev/k8s.io/kubernetes/pkg/volume/util#AtomicWriter
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count(1)
        folder.mkdir()

    def hold(self, files: Mapping[str, str]) -> None:
        """From now on it holds these files (name -> text) and no others."""
        data, fresh = self.folder / "..data", self.folder / f"..fresh_{next(self._numbers)}"
        fresh.mkdir(mode=0o700)
        for name, text in files.items():
            (fresh / name).write_text(text)
        before = data.resolve() if data.exists() else None
        renamed = self.folder / "..data_tmp"
        renamed.symlink_to(fresh.name)
        renamed.rename(data)
        for name in files:
            with suppress(FileExistsError):
                (self.folder / name).symlink_to(Path("..data", name))
        for link in self.folder.iterdir():
            if not link.name.startswith("..") and link.name not in files:
                link.unlink()
        if before:
            rmtree(before)


class Deployed:
    """The chart with this configuration, applied by kubectl to a namespace of its own.

    kwok pretends to run the pods of its Deployment. What :meth:`daemon` starts takes the place of
    one: it has the arguments and the environment of that pod's container, the ConfigMap as a
    volume, and no credentials but a token of the ServiceAccount. ``home`` is the namespace if it
    is there already; ``values`` are laid over those of the chart.
    """

    def __init__(
        self,
        site: Site,
        plane: ControlPlane,
        folder: Path,
        config: Json,
        home: Place | None = None,
        **values: Any,
    ) -> None:
        self.plane = plane
        self._audit = plane.audit_size()
        self.home = home or chaosd_namespace(site)
        self.account = self.home.name
        self.user = f"system:serviceaccount:{self.home.name}:{self.account}"
        self._helm = Helm(find("helm"))
        self._folder = folder
        # Roles of the cluster are named like the release: it needs a name that no other has.
        self._values = {"fullnameOverride": self.account, **values}
        self.objects: list[Json] = []
        self.config = Volume(folder / "config")
        self.credentials = Volume(folder / "credentials")
        self.configure(config)
        self.kubeconfig = self.sign_in_at(plane.url, plane.ca)
        self.rotate()
        self.pods = until(self._running, lambda: self.kubectl("get", "all", "--output=yaml"))

    # ---- deploying

    def configure(self, config: Json) -> None:
        """Upgrade to another configuration, rights included, and let the pods' volume follow."""
        values = {**self._values, "config": config}
        text = self._helm.text(values, self.home.name)
        self.objects = [one for one in yaml.safe_load_all(text) if one]
        self.kubectl("apply", "--validate=strict", "--filename=-", given=text)
        self._mount()

    def edit(self, text: str) -> None:
        """Somebody edits the ConfigMap by hand, and the volume follows."""
        name = f"{self.account}-config"
        self.home.patch("configmaps", name, {"data": {"chaosd.yaml": text}})
        self._mount()

    def kubectl(self, *arguments: str, given: str = "") -> str:
        """What kubectl says to somebody who may do everything, in chaosd's namespace unless
        something ``given`` names another."""
        command = [str(binary("kubectl")), f"--kubeconfig={self.plane.kubeconfig}"]
        command += [] if given else [f"--namespace={self.home.name}"]
        done = subprocess.run(
            [*command, *arguments],
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert not given or "Warning" not in done.stderr
        return done.stdout

    def token(self, *arguments: str) -> str:
        """A new token of chaosd's ServiceAccount, by a TokenRequest."""
        return self.kubectl("create", "token", self.account, *arguments).strip()

    def rotate(self, token: str = "") -> None:
        """Put another token where chaosd reads it; a new one unless it is given."""
        self.credentials.hold({"token": token or self.token()})

    def sign_in_at(self, url: str, ca: Path | None, name: str = "chaosd") -> Path:
        """A kubeconfig ``name``: this server, the certificates to trust, the token's file.

        Through it ``daemon`` can be sent by way of a proxy.
        """
        path = self._folder / f"{name}.kubeconfig"
        trusted = {"certificate-authority": str(ca)} if ca else {}
        user = {"tokenFile": str(self.credentials.folder / "token")}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "real", "cluster": {"server": url, **trusted}}],
            "users": [{"name": "account", "user": user}],
            "contexts": [{"name": "real", "context": {"cluster": "real", "user": "account"}}],
            "current-context": "real",
        }
        path.write_text(json.dumps(content))
        return path

    def _mount(self) -> None:
        found = self.home.get("configmaps", f"{self.account}-config")
        assert found is not None
        self.config.hold(found["data"])

    def _running(self) -> list[str]:
        """The names of the Deployment's pods, once all are there and none other."""
        wanted = next(one for one in self.objects if one["kind"] == "Deployment")["spec"]
        names = [pod["metadata"]["name"] for pod in self._own_pods()]
        return sorted(names) if len(names) == wanted["replicas"] else []

    def _own_pods(self) -> list[Json]:
        found = self.home.admin.ok("GET", self.home.path("pods"))["items"]
        return [pod for pod in found if pod["status"].get("phase") == "Running"]

    # ---- running

    def daemon(self, replica: int = 0, kubeconfig: Path | None = None) -> Daemon:
        """The process of one pod; ``kubeconfig`` as of :meth:`sign_in_at`."""
        file = self.config.folder / "chaosd.yaml"
        environ = dict(self._environment(self.pods[replica]))
        return Daemon(file, kubeconfig or self.kubeconfig, None, environ)

    def say(self, *arguments: str) -> tuple[int, str]:
        """Give a command inside the pod; its exit code, and what it says."""
        command = [sys.executable, "-m", "chaosd.cli.main", *arguments]
        done = subprocess.run(
            [*command, f"--kubeconfig={self.kubeconfig}"],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
            env={**environment(), **dict(self._environment(self.pods[0]))},
        )
        return done.returncode, done.stdout + done.stderr

    def explain(self, target: str = "") -> dict[str, Json]:
        """What ``chaosd explain`` says of each workload, by name; of the first policy."""
        file = str(self.config.folder / "chaosd.yaml")
        named = [target] if target else []
        code, text = self.say("explain", *named, f"--file={file}", "--output=json")
        assert code == 0, text
        workloads = json.loads(text)["policies"][0]["workloads"]
        return {one["workload"]: one for one in workloads}

    def _environment(self, name: str) -> Iterator[tuple[str, str]]:
        """What a pod's container finds in its environment, as the kubelet makes it."""
        pod = self.home.get("pods", name)
        assert pod is not None
        (container,) = pod["spec"]["containers"]
        for one in container["env"]:
            if "value" in one:
                yield one["name"], one["value"]
            else:
                field = one["valueFrom"]["fieldRef"]["fieldPath"].removeprefix("metadata.")
                assert field in _FIELDS
                yield one["name"], pod["metadata"][field]

    # ---- what it did

    def ledger(self) -> Ledger:
        """The ledger; an empty one while there is none."""
        item = self.home.get("configmaps", "chaosd-ledger")
        return ledger_text.decode(item["data"]["ledger.json"]) if item else Ledger()

    def intents(self, workload: str = "") -> list[Intent]:
        """What it reserved, of one workload (``Kind/name``) or of all."""
        return [one for one in self.ledger().all_intents() if one.workload.endswith(workload)]

    def killed(self, workload: str = "") -> list[Intent]:
        """Those that took their victim down."""
        return [one for one in self.intents(workload) if one.result is Result.KILLED]

    def recovered(self, workload: str = "") -> list[Intent]:
        """Those whose victim's workload is whole again."""
        return [one for one in self.intents(workload) if one.verdict is Verdict.RECOVERED]

    def listen_anew(self) -> None:
        """Forget what it asked for until now."""
        self._audit = self.plane.audit_size()

    def audited(self) -> list[Json]:
        """What its ServiceAccount asked of the API server, and what was answered."""
        return self.plane.audited(self.user, self._audit)

    def struck(self) -> list[tuple[str, str, int]]:
        """Each eviction and deletion that it asked for: verb, namespace/name, and the answer."""
        return [
            (one["verb"], "{namespace}/{name}".format(**one["objectRef"]), answered(one))
            for one in self.audited()
            if one["verb"] == "delete" or one.get("objectRef", {}).get("subresource") == "eviction"
        ]

    def denied(self) -> list[Json]:
        """What it asked for and may not."""
        return [one for one in self.audited() if answered(one) == 403]


def answered(audited: Json) -> int:
    """The status code of a request in the audit log."""
    code: int = audited["responseStatus"]["code"]
    return code
