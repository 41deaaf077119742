"""Nodes of one's own on a real control plane, what runs on them, and chaosd deployed beside."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from chaosd.core.facts import DRAIN_TAINT
from chaosd.core.ledger import Intent
from tests.contract.manifests import OPT_IN, Json, deployment
from tests.contract.site import MERGE, STRATEGIC, Site
from tests.real.control_plane import ControlPlane
from tests.real.deployed import Deployed, answered, live
from tests.real.proxy import Proxy
from tests.support.waiting import until

_SCENE = "scene"
PATIENCE = 120.0


def node_policy(**more: Any) -> Json:
    """A policy that drains; its schedule is for people who wait, tests ask for attempts."""
    return {
        "name": "nodes",
        "target": "node",
        "action": "drain",
        "schedule": {"every": "26w"},
        "select": {"minAge": "0s"},
        "deadline": "60s",
        "cooldown": "0s",
        **more,
    }


class Fleet:
    """Nodes that take only pods that tolerate them, from the start of a ``with`` block to its end.

    ``nodes[0]`` opted in and is there first, so that what :meth:`fill` makes is all on it; the
    others follow with :meth:`grow`, and did not opt in. Requests go through ``proxy`` for daemons
    that are told its kubeconfig.
    """

    def __init__(self, site: Site, plane: ControlPlane, folder: Path, **first: Any) -> None:
        folder.mkdir(exist_ok=True)
        self.name = f"f{os.urandom(3).hex()}"
        self.place = site.namespace()
        self.nodes: list[str] = []
        self.site, self.plane, self.folder = site, plane, folder
        self.chaosd: Deployed
        self.config: Json = {}
        self.proxy = Proxy(plane.url, plane.ca)
        self.add(OPT_IN, **first)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        admin = self.place.admin
        admin.call("DELETE", f"/api/v1/namespaces/{self.place.name}")
        for name in self.nodes:
            admin.call("DELETE", path(name))

    # ---- making

    def add(self, labels: Mapping[str, str] = {}, name: str = "", **spec: Any) -> str:
        """One more node, Ready, with nothing on it but a DaemonSet's pods; its name."""
        name = name or f"{self.name}-{len(self.nodes)}"
        own = {"kubernetes.io/hostname": name, _SCENE: self.name, **labels}
        taint = {"key": _SCENE, "value": self.name, "effect": "NoSchedule"}
        manifest = {
            "metadata": {"name": name, "labels": own},
            "spec": {"taints": [taint], **spec},
            "status": {"nodeInfo": node_info(f"boot-of-{name}")},
        }
        self.place.admin.ok("POST", "/api/v1/nodes", manifest)
        if name not in self.nodes:
            self.nodes.append(name)
        until(lambda: self._serves(name), lambda: self.node(name))
        return name

    def leaves(self) -> None:
        """The first node is gone, as a cloud controller has it when its machine is."""
        self.place.admin.ok("DELETE", path(self.first))

    def grow(self, count: int = 2, **spec: Any) -> None:
        """So many more nodes, which did not opt in."""
        for _ in range(count):
            self.add(**spec)

    def here(self, manifest: Json) -> Json:
        """The same workload, for these nodes alone."""
        spec = manifest["spec"]["template"]["spec"]
        spec["nodeSelector"] = {_SCENE: self.name}
        spec["tolerations"] = [{"key": _SCENE, "operator": "Exists"}]
        return manifest

    def fill(self, **replicas: int) -> None:
        """Deployments with so many pods each, all Ready."""
        for name, count in replicas.items():
            self.place.workload("deployments", self.here(deployment(name, count)))

    def deploy(
        self,
        *policies: Json,
        replicas: int = 1,
        env: Mapping[str, str] = MappingProxyType({}),
        **more: Any,
    ) -> Deployed:
        """chaosd, with one drain policy or the given ones, for these nodes alone; ``more`` is for
        the top of its configuration, ``env`` for the environment of its pod."""
        mine = policies or (node_policy(),)
        for one in mine:
            if one["target"] == "node":
                one["select"] = {"nodes": f"{_SCENE}={self.name}", "minAge": "0s"}
        self.config = config = live(*mine, **more)
        extra = [{"name": name, "value": text} for name, text in env.items()]
        self.chaosd = Deployed(
            self.site, self.plane, self.folder, config, replicas=replicas, extraEnv=extra
        )
        return self.chaosd

    def through_proxy(self) -> Path:
        """chaosd's kubeconfig by way of the proxy, which must serve."""
        return self.chaosd.sign_in_at(self.proxy.url, self.plane.ca, "proxied")

    def _serves(self, name: str) -> bool:
        node = self.node(name)
        ready = {one["type"]: one["status"] for one in node["status"].get("conditions", ())}
        others = [one["key"] for one in node["spec"]["taints"] if one["key"] != _SCENE]
        return ready.get("Ready") == "True" and not others

    # ---- asking

    @property
    def first(self) -> str:
        """The node that opted in."""
        return self.nodes[0]

    def node(self, name: str = "") -> Json:
        """One of the nodes."""
        found: Json = self.place.admin.ok("GET", path(name or self.first))
        return found

    def patch(self, body: Json, name: str = "", sub: str = "") -> None:
        """Change a node as somebody else."""
        kind = STRATEGIC if sub else MERGE
        self.place.admin.ok("PATCH", path(name or self.first) + sub, body, kind=kind)

    def boots(self, boot_id: str, name: str = "") -> None:
        """Report another boot, as the kubelet does after a restart of the machine."""
        self.patch({"status": {"nodeInfo": node_info(boot_id)}}, name, "/status")

    def drained_by(self, name: str = "") -> list[str]:
        """The values of chaosd's taints on a node."""
        taints = self.node(name)["spec"].get("taints", ())
        return [one.get("value", "") for one in taints if one["key"] == DRAIN_TAINT]

    def taints(self, name: str = "") -> list[str]:
        """The keys of all taints of a node, sorted."""
        return sorted(one["key"] for one in self.node(name)["spec"].get("taints", ()))

    def on(self, name: str = "", app: str = "") -> list[Json]:
        """The pods of the fleet's namespace on a node that are not on their way out."""
        query = {"fieldSelector": f"spec.nodeName={name or self.first}"}
        if app:
            query["labelSelector"] = f"app={app}"
        found = self.place.admin.ok("GET", self.place.path("pods"), **query)["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def ask(self, policy: str = "nodes", node: str = "") -> tuple[int, Any]:
        """``chaosd attempt`` against the first node (or another): its exit code and answer."""
        target = f"Node/{node or self.first}"
        code, text = self.chaosd.say("attempt", policy, "--target", target, "--output=json")
        start = text.find("{")
        assert start >= 0, text
        return code, json.JSONDecoder().raw_decode(text[start:])[0]

    def begin(self, policy: str = "nodes") -> Intent:
        """Ask for an attempt that must begin; its intent."""
        code, answer = self.ask(policy)
        assert code == 0, answer
        intent = self.chaosd.ledger().find(answer["intent"])
        assert intent is not None
        return intent

    def ask_for(self, policy: str = "nodes") -> None:
        """Ask for an attempt against the first node, and wait for nothing."""
        target = f"Node/{self.first}"
        code, text = self.chaosd.say("attempt", policy, "--target", target, "--no-wait")
        assert code == 0, text

    def over(self) -> list[Intent]:
        """The intents whose strikes have ended, one way or another."""
        return [one for one in self.chaosd.intents() if one.result is not None]

    def intent(self) -> Intent:
        """The only intent that there is."""
        (found,) = self.chaosd.intents()
        return found

    # ---- what chaosd did

    def evicted(self) -> list[tuple[str, int]]:
        """Each eviction (or deletion) of a pod of the fleet, and its answer."""
        return [
            (name.partition("/")[2], code)
            for _, name, code in self.chaosd.struck()
            if name.startswith(f"{self.place.name}/")
        ]

    def patched(self, name: str = "") -> list[int]:
        """The answer to each change of a node that chaosd asked for."""
        ref = ("patch", "nodes", name or self.first)
        return [
            answered(one)
            for one in self.chaosd.audited()
            if (one["verb"], *map(one.get("objectRef", {}).get, ("resource", "name"))) == ref
        ]

    def went_once(self, pods: Sequence[Json]) -> None:
        """Of these pods each was evicted with success exactly once, and nothing else was."""
        gone = sorted(name for name, code in self.evicted() if code in (200, 201))
        assert gone == sorted(pod["metadata"]["name"] for pod in pods)


def path(node: str) -> str:
    """The URL path of a node."""
    return f"/api/v1/nodes/{node}"


def node_info(boot_id: str) -> Json:
    """What a kubelet says of its machine."""
    names = (
        "machineID systemUUID kernelVersion osImage containerRuntimeVersion kubeletVersion "
        "kubeProxyVersion operatingSystem architecture"
    ).split()
    return {**dict.fromkeys(names, "simulated"), "bootID": boot_id}
