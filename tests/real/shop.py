"""A namespace with workloads on a real control plane, and what chaosd did there."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from chaosd.core import ledger_text
from chaosd.core.ledger import Intent, Ledger, Result, Verdict
from tests.contract.manifests import OPT_IN, Json, budget, deployment, stateful_set
from tests.contract.site import Site
from tests.real.control_plane import ControlPlane
from tests.real.daemon import Daemon, command
from tests.real.kubeconfig import write_kubeconfig

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

    def __init__(self, site: Site, plane: ControlPlane, folder: Path) -> None:
        self.place = site.namespace()
        self.home = site.namespace()
        self._plane = plane
        place = self.place
        place.workload("deployments", deployment("web", 3, labels=OPT_IN))
        place.workload("statefulsets", stateful_set("db", 3, labels=OPT_IN))
        place.workload("deployments", deployment("shy", 2))
        for app in ("web", "db"):
            place.budget(budget(app, app, minAvailable=2), 3)
        self.shy = uids(place.pods("shy"))
        self.file = folder / "chaosd.yaml"
        self.file.write_text(FILE.format(namespace=place.name))
        self.kubeconfig = write_kubeconfig(
            folder / "chaosd.kubeconfig", plane.url, token=plane.chaosd_token, ca=plane.ca
        )
        self._before = len(plane.audited())

    def daemon(self) -> Daemon:
        """One replica."""
        return Daemon(self.file, self.kubeconfig, self.home.name)

    def say(self, *args: str) -> tuple[int, Any]:
        """Give a command; its exit code and answer."""
        return command(*args, kubeconfig=self.kubeconfig, namespace=self.home.name)

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
        return [
            (one["objectRef"]["name"], one["responseStatus"]["code"])
            for one in self._plane.audited()[self._before :]
            if one["objectRef"].get("subresource") == "eviction"
            and one["objectRef"]["namespace"] == self.place.name
        ]

    def denied(self) -> list[Json]:
        """What chaosd asked for and was not allowed."""
        audited = self._plane.audited()[self._before :]
        return [one for one in audited if one["responseStatus"].get("code") == 403]

    def broken(self) -> list[str]:
        """Promises that the cluster's side of the story does not bear out."""
        found = []
        intents = self.ledger().all_intents()
        evicted = Counter(name for name, code in self.evictions() if code == 201)
        killed = Counter(one.victim.name for one in intents if one.result is Result.KILLED)
        open_ = Counter(one.victim.name for one in intents if one.result is None)
        if evicted - killed - open_:
            found.append(f"evicted without an intent that says so: {evicted - killed - open_}")
        if killed - evicted:
            found.append(f"killed says the ledger, not the server: {killed - evicted}")
        victims = Counter(one.victim.uid for one in intents if one.result is Result.KILLED)
        if any(count > 1 for count in victims.values()):
            found.append(f"killed twice: {victims}")
        actions = Counter(one.action_id for one in intents)
        if any(count > 1 for count in actions.values()):
            found.append(f"one action, several intents: {actions}")
        if uids(self.place.pods("shy")) != self.shy:
            found.append("shy never opted in, and its pods are others")
        return found


def uids(pods: list[Json]) -> set[str]:
    """The UIDs of pods."""
    return {pod["metadata"]["uid"] for pod in pods}
