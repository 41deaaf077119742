"""Nodes with their taints, the pods on them, volumes, and pods that are bound by who makes them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from chaosd.core.facts import DRAIN_TAINT, NodeFacts, Resources
from chaosd.core.model import Victim
from chaosd.kube.node_reads import NOT_FINISHED, KubeNodeReads
from chaosd.kube.reads import FENCED
from chaosd.ports import Conflict, Invalid, NotFound
from tests.contract.manifests import Json, pod
from tests.contract.site import MERGE, Answer, Place
from tests.support.waiting import until

OPERATIONS = "application/json-patch+json"
OTHERS = {
    "key": "contract.example/other",
    "value": "x",
    "effect": "NoExecute",
    "timeAdded": "2026-01-05T09:00:00Z",
}
"""Keeps everybody else's pods away, too."""


@pytest.fixture
def name(place: Place) -> Iterator[str]:
    """A node of one's own, Ready, with somebody's taint."""
    name = f"node-{os.urandom(3).hex()}"
    room = {"cpu": "3920m", "memory": "15Gi", "pods": "58"}
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": ""}
    manifest = {
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": {"taints": [OTHERS], "providerID": f"contract:///{name}"},
        "status": {"conditions": [ready], "allocatable": room, "capacity": room},
    }
    place.admin.ok("POST", "/api/v1/nodes", manifest)
    until(lambda: settled(place, name))
    yield name
    place.admin.ok("DELETE", f"/api/v1/nodes/{name}")


def settled(place: Place, name: str) -> bool:
    """Whether the cluster has taken notice of the node."""
    found = facts(place, name)
    return found.ready and [taint.key for taint in found.taints] == [OTHERS["key"]]


@pytest.fixture
def reads(place: Place) -> KubeNodeReads:
    return KubeNodeReads(place.admin.api)


def facts(place: Place, name: str) -> NodeFacts:
    found = KubeNodeReads(place.admin.api).node(name)
    assert found is not None
    return found


def victim(node: NodeFacts, **changes: Any) -> Victim:
    found = Victim("", node.name, node.uid, node.resource_version, kind="Node")
    return msgspec.structs.replace(found, **changes)


def raw(place: Place, name: str) -> Json:
    found: Json = place.admin.ok("GET", f"/api/v1/nodes/{name}")
    return found


def tainted(place: Place, name: str, value: str = "intent-a") -> NodeFacts:
    """Taint it, again when it has changed meanwhile: nodes do by themselves."""
    reads = KubeNodeReads(place.admin.api)

    def once() -> bool:
        try:
            reads.taint(victim(facts(place, name)), value, 10.0)
        except Conflict:
            return False
        return True

    until(once)
    return facts(place, name)


def untainted(place: Place, name: str, value: str = "intent-a") -> NodeFacts:
    reads = KubeNodeReads(place.admin.api)

    def once() -> bool:
        try:
            reads.untaint(facts(place, name), value)
        except Conflict:
            return False
        return True

    until(once)
    return facts(place, name)


def operate(place: Place, name: str, uid: str, version: str, *more: Json) -> Answer:
    same = [
        {"op": "replace", "path": "/metadata/uid", "value": uid},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]
    path = f"/api/v1/nodes/{name}"
    return place.admin.call("PATCH", path, [*same, *more], kind=OPERATIONS, timeout="10s")


LABEL = {"op": "add", "path": "/metadata/labels/contract", "value": "yes"}


def test_what_is_known_of_a_node(place: Place, name: str, reads: KubeNodeReads) -> None:
    """Alone or in a list, by its labels too."""
    found = facts(place, name)
    assert found.allocatable == Resources(3920, 15 << 30, 58)
    assert found.provider_id == f"contract:///{name}"
    assert (found.unschedulable, found.deleting, found.drained_by) == (False, False, "")
    pages = list(reads.nodes(f"kubernetes.io/hostname={name}"))
    assert [one.uid for page in pages for one in page] == [found.uid]
    assert name in {one.name for page in reads.nodes("") for one in page}


def test_a_taint_comes_and_goes(place: Place, name: str) -> None:
    """Beside somebody else's, which stays to the letter."""
    found = tainted(place, name)
    assert found.drained_by == "intent-a"
    mine = {"key": DRAIN_TAINT, "value": "intent-a", "effect": "NoSchedule"}
    assert raw(place, name)["spec"]["taints"] == [OTHERS, mine]
    assert untainted(place, name, "intent-b").drained_by == "intent-a"
    assert untainted(place, name).drained_by == ""
    assert raw(place, name)["spec"]["taints"] == [OTHERS]


def test_the_first_taint_and_the_last(place: Place, name: str) -> None:
    """A node without taints has no list of them, before and after."""
    body = {"spec": {"taints": None}}
    place.admin.ok("PATCH", f"/api/v1/nodes/{name}", body, kind=MERGE)
    assert len(tainted(place, name).taints) == 1
    assert untainted(place, name).taints == ()


def test_the_fence_of_a_node(place: Place, name: str, reads: KubeNodeReads) -> None:
    """A late taint finds it changed; another node of that name, or none, is known apart."""
    chosen = victim(facts(place, name))
    seen = reads.fence_node(chosen, "intent a")
    assert seen.annotations[FENCED] == "intent a"
    assert seen.resource_version != chosen.resource_version
    with pytest.raises(Conflict):
        reads.taint(chosen, "intent-a", 10.0)
    late = operate(place, name, chosen.uid, chosen.resource_version, LABEL)
    assert late.refusal[:2] == (409, "Conflict")
    with pytest.raises(Invalid):
        reads.fence_node(victim(seen, uid="another"), "intent a")
    with pytest.raises(NotFound):
        reads.fence_node(victim(seen, name="nobody"), "intent a")
    assert FENCED not in untainted(place, name).annotations


def test_a_fence_sent_again_changes_nothing(place: Place, name: str, reads: KubeNodeReads) -> None:
    """The same annotation raises no version."""
    chosen = victim(facts(place, name))

    def same() -> bool:
        first = reads.fence_node(chosen, "intent a")
        return reads.fence_node(chosen, "intent a").resource_version == first.resource_version

    until(same)


def test_operations_on_what_is_named(place: Place, name: str) -> None:
    """200 for the very node as it is."""

    def once() -> bool:
        meta = raw(place, name)["metadata"]
        return operate(place, name, meta["uid"], meta["resourceVersion"], LABEL).status == 200

    until(once)
    assert raw(place, name)["metadata"]["labels"]["contract"] == "yes"


def test_operations_with_an_old_version(place: Place, name: str) -> None:
    """409, and nothing changes."""
    meta = raw(place, name)["metadata"]
    body = {"metadata": {"labels": {"other": "yes"}}}
    place.admin.ok("PATCH", f"/api/v1/nodes/{name}", body, kind=MERGE)
    answer = operate(place, name, meta["uid"], meta["resourceVersion"], LABEL)
    assert answer.refusal[:2] == (409, "Conflict")
    assert "the object has been modified" in answer.refusal[2]
    assert "contract" not in raw(place, name)["metadata"]["labels"]


def test_operations_on_another_uid(place: Place, name: str) -> None:
    """Refused, and nothing changes."""

    def refused() -> Answer | None:
        version = raw(place, name)["metadata"]["resourceVersion"]
        answer = operate(place, name, "another", version, LABEL)
        return None if "the object has been modified" in answer.refusal[2] else answer

    answer = until(refused)
    message = (
        f'Node "{name}" is invalid: metadata.uid: Invalid value: "another": field is immutable'
    )
    assert answer.refusal == (422, "Invalid", message)
    assert "contract" not in raw(place, name)["metadata"]["labels"]


def test_operations_that_do_not_fit(place: Place, name: str) -> None:
    """422, whatever version they name: they are tried before it is looked at."""
    uid = raw(place, name)["metadata"]["uid"]
    remove = {"op": "remove", "path": "/spec/taints/7"}
    assert operate(place, name, uid, "1", remove).refusal[:2] == (422, "Invalid")
    nowhere = {"op": "remove", "path": "/metadata/annotations/nothing"}
    assert operate(place, name, uid, "1", nowhere).refusal[:2] == (422, "Invalid")


@pytest.mark.parametrize(
    ("taints", "said"),
    [
        ([{"key": "a", "effect": "Never"}], 'taints[0].effect: Unsupported value: "Never"'),
        (
            [{"key": "a", "value": one, "effect": "NoSchedule"} for one in ("x", "y")],
            "Duplicate value",
        ),
    ],
)
def test_wrong_taints(place: Place, name: str, taints: list[Json], said: str) -> None:
    """422 for an effect that there is not, and for two of one key and effect."""
    body = {"spec": {"taints": taints}}
    answer = place.admin.call("PATCH", f"/api/v1/nodes/{name}", body, kind=MERGE)
    assert answer.refusal[:2] == (422, "Invalid")
    assert said in answer.refusal[2]


def on(node: str, name: str, **spec: Any) -> Json:
    """A pod that its maker has bound to a node."""
    tolerations = [{"operator": "Exists"}]
    return pod(name, nodeName=node, tolerations=tolerations, **spec)


def running(place: Place, name: str) -> Json | None:
    found = place.get("pods", name)
    assert found is not None
    return found if found["status"].get("phase") == "Running" else None


def test_pods_on_a_node(place: Place, name: str, reads: KubeNodeReads) -> None:
    """Selected by the server, with their size as the scheduler counts it."""
    limits = {"name": "main", "image": "i", "resources": {"limits": {"cpu": "0.5"}}}
    place.make("pods", on(name, "limited", containers=[limits]))
    place.make("pods", pod("elsewhere"))
    until(lambda: running(place, "limited"))
    [found] = [one for page in reads.pods_on(name) for one in page]
    assert (found.namespace, found.name, found.node) == (place.name, "limited", name)
    assert found.requests == Resources(500, 0, 1)
    assert reads.pod(place.name, "limited") is not None
    assert list(reads.pods_on("nobody")) == []


def test_what_takes_room(place: Place, name: str, reads: KubeNodeReads) -> None:
    """Neither what has finished nor what has no node."""
    for pod_name in ("runs", "done", "broken"):
        place.make("pods", on(name, pod_name, restartPolicy="Never"))
    place.make("pods", pod("waits", nodeSelector={"nothing": "has"}))
    until(lambda: all(running(place, one) for one in ("runs", "done", "broken")))
    for pod_name, phase in (("done", "Succeeded"), ("broken", "Failed")):
        place.patch("pods", pod_name, {"status": {"phase": phase}}, "status")
    path = place.path("pods")
    items = place.admin.ok("GET", path, fieldSelector=NOT_FINISHED)["items"]
    assert sorted(one["metadata"]["name"] for one in items) == ["runs", "waits"]
    both = f"{NOT_FINISHED},spec.nodeName={name}"
    items = place.admin.ok("GET", path, fieldSelector=both)["items"]
    assert [one["metadata"]["name"] for one in items] == ["runs"]
    placed = [one for page in reads.placed() for one in page]
    assert [one.requests for one in placed if one.node == name] == [Resources(pods=1)]
    assert [one for page in reads.placed(name) for one in page] == [
        one for one in placed if one.node == name
    ]
    assert "" not in {one.node for one in placed}


def test_a_helper_pod(place: Place, name: str, reads: KubeNodeReads) -> None:
    """Bound by its maker; a second of its name is refused, and only that very one is removed."""
    manifest = on(name, "helper", restartPolicy="Never")
    reads.make_pod(place.name, manifest, 10.0)
    with pytest.raises(Conflict) as refused:
        reads.make_pod(place.name, manifest, 10.0)
    assert refused.value.reason == "AlreadyExists"
    made = reads.pod(place.name, "helper")
    assert made is not None
    assert made.node == name
    reads.remove_pod(place.name, "helper", "another")
    still = reads.pod(place.name, "helper")
    assert still is not None
    assert (still.uid, still.deleting) == (made.uid, False)
    reads.remove_pod(place.name, "helper", made.uid)
    # With its own grace: its kubelet has to see the end of it.
    until(lambda: reads.pod(place.name, "helper") is None)
    reads.remove_pod(place.name, "helper", made.uid)


def volume(place: Place, claim: str, **spec: Any) -> str:
    """Make a PersistentVolume for a claim of the place; its name."""
    name = f"{place.name}-{claim}"
    ref = {"kind": "PersistentVolumeClaim", "namespace": place.name, "name": claim}
    common = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "claimRef": ref}
    manifest = {"metadata": {"name": name}, "spec": {**common, "storageClassName": "x", **spec}}
    place.admin.ok("POST", "/api/v1/persistentvolumes", manifest)
    return name


def near(key: str) -> Json:
    values = {"key": key, "operator": "In", "values": ["here"]}
    return {"required": {"nodeSelectorTerms": [{"matchExpressions": [values]}]}}


def test_volumes_that_live_on_one_node(place: Place, reads: KubeNodeReads) -> None:
    """By their kind, or by the nodes that can reach them."""
    host, zone = near("kubernetes.io/hostname"), near("topology.kubernetes.io/zone")
    driver = {"driver": "csi.example", "volumeHandle": "v"}
    names = [
        volume(place, "local", local={"path": "/disk"}, nodeAffinity=host),
        volume(place, "path", hostPath={"path": "/disk"}),
        volume(place, "near", csi=driver, nodeAffinity=host),
        volume(place, "zone", csi=driver, nodeAffinity=zone),
        volume(place, "far", csi=driver),
    ]
    found = {claim for claim in reads.local_claims() if claim.startswith(f"{place.name}/")}
    assert found == {f"{place.name}/{claim}" for claim in ("local", "path", "near")}
    for one in names:
        place.admin.ok("DELETE", f"/api/v1/persistentvolumes/{one}")
