"""A namespace with workloads on a real control plane, and what chaosd did there."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chaosd.config.loading import load
from chaosd.core import ledger_text
from chaosd.core.ledger import Intent, Ledger, Verdict
from tests.contract.manifests import OPT_IN, Json, budget, deployment, stateful_set
from tests.contract.site import Site
from tests.real.control_plane import ControlPlane, binary
from tests.real.daemon import Daemon, command, environment
from tests.real.kubeconfig import write_kubeconfig
from tests.real.promises import Eviction, Span, Story, broken_promises

FILE = """
dryRun: false
cluster: real
windows: {{allow: always}}
limits: {{perHour: 1000, perDay: 1000, concurrent: 2}}
policies:
  - name: web
    target: pod
    action: evict
    schedule: {{every: 2s}}
    select: {{namespaces: [{namespace}], minAge: 0s}}
    deadline: 60s
    cooldown: 0s
"""


class Shop:
    """Deployment web and StatefulSet db, three pods each under a budget that spares two; both opted
    in. Deployment shy did not. chaosd's ledger is in a namespace of its own.
    """

    def __init__(
        self,
        site: Site,
        plane: ControlPlane,
        folder: Path,
        file: str = FILE,
        *,
        budgets: bool = True,
    ) -> None:
        self.place = site.namespace()
        self.home = site.namespace()
        self.opted_in = ["web", "db"]
        self._plane = plane
        self._folder = folder
        self._quiet: list[Span] = []
        place = self.place
        place.workload("deployments", deployment("web", 3, labels=OPT_IN))
        place.workload("statefulsets", stateful_set("db", 3, labels=OPT_IN))
        place.workload("deployments", deployment("shy", 2))
        for app in self.opted_in if budgets else ():
            place.budget(budget(app, app, minAvailable=2), 3)
        self.shy = uids(place.pods("shy"))
        folder.mkdir(exist_ok=True)
        self.file = folder / "chaosd.yaml"
        self.file.write_text(file.format(namespace=place.name))
        self.kubeconfig = self.kubeconfig_for(plane.url)
        self._before = len(plane.audited())

    def open(self, name: str, replicas: int = 3) -> None:
        """One more Deployment that opted in."""
        self.place.workload("deployments", deployment(name, replicas, labels=OPT_IN))
        self.opted_in.append(name)

    def kubeconfig_for(self, url: str) -> Path:
        """chaosd's kubeconfig, for the API server or what is before it."""
        path = self._folder / f"{url.rpartition(':')[2]}.kubeconfig"
        return write_kubeconfig(path, url, token=self._plane.chaosd_token, ca=self._plane.ca)

    def daemon(self, url: str = "") -> Daemon:
        """One replica, which reaches the API server at ``url``."""
        kubeconfig = self.kubeconfig_for(url) if url else self.kubeconfig
        return Daemon(self.file, kubeconfig, self.home.name)

    def say(self, *args: str) -> tuple[int, Any]:
        """Give a command; its exit code and answer. What is evicted between an acknowledged halt
        and a ``resume`` breaks a promise."""
        if args[0] == "resume":
            self.loud()
        said = command(*args, kubeconfig=self.kubeconfig, namespace=self.home.name)
        if args[0] == "halt" and said[0] == 0:
            self.quiet()
        return said

    def kubectl(self, *args: str) -> str:
        """What an administrator's kubectl says."""
        line = [str(binary("kubectl")), "--kubeconfig", str(self._plane.kubeconfig), *args]
        done = subprocess.run(
            line, check=False, capture_output=True, text=True, timeout=120, env=environment()
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def quiet(self) -> None:
        """From now on nothing may be evicted."""
        self._quiet.append((datetime.now(UTC), None))

    def loud(self) -> None:
        """From now on it may be again."""
        self._quiet = [(since, end or datetime.now(UTC)) for since, end in self._quiet]

    def ledger(self) -> Ledger:
        """The ledger; an empty one while there is none."""
        item = self.home.get("configmaps", "chaosd-ledger")
        return ledger_text.decode(item["data"]["ledger.json"]) if item else Ledger()

    def recovered(self) -> list[Intent]:
        """The intents whose victim's workload is whole again."""
        intents = self.ledger().all_intents()
        return [one for one in intents if one.verdict is Verdict.RECOVERED]

    def evictions(self) -> list[tuple[str, int]]:
        """Each eviction that chaosd asked for (the pod's name), and what was answered."""
        return [(one.pod, one.code) for one in self._evictions()]

    def audited(self) -> list[Json]:
        """What chaosd asked for since the shop has been there, in the order of the answers."""
        return self._plane.audited()[self._before :]

    def denied(self) -> list[Json]:
        """What chaosd asked for and was not allowed."""
        return [one for one in self.audited() if one["responseStatus"].get("code") == 403]

    def broken(self, late: float = 0) -> list[str]:
        """Promises that the cluster's side of the story does not bear out.

        ``late``: for how many seconds something between chaosd and the API server's ears may have
        kept an eviction.
        """
        configuration = load(self.file, {}).configuration
        assert configuration is not None
        story = Story(
            self.ledger(),
            configuration,
            self._evictions(),
            self._quiet,
            self.opted_in,
            timedelta(seconds=late),
        )
        found = broken_promises(story)
        found += [f"{one['objectRef']['name']} was deleted" for one in self._about("delete", "")]
        if uids(self.place.pods("shy")) != self.shy:
            found.append("shy never opted in, and its pods are others")
        return found

    def _evictions(self) -> list[Eviction]:
        return [Eviction.of(one) for one in self._about("create", "eviction")]

    def _about(self, verb: str, subresource: str) -> list[Json]:
        """What chaosd did to pods here."""
        wanted = ("pods", self.place.name, subresource)
        return [one for one in self.audited() if one["verb"] == verb and _object(one) == wanted]


def uids(pods: list[Json]) -> set[str]:
    """The UIDs of pods."""
    return {pod["metadata"]["uid"] for pod in pods}


def _object(audited: Json) -> tuple[str, str, str]:
    about = audited.get("objectRef", {})
    return about.get("resource", ""), about.get("namespace", ""), about.get("subresource", "")
