"""Whether a pod may be the victim: every reason against it, its siblings included."""

from __future__ import annotations

from collections.abc import Sequence

from chaosd.core.eligibility import (
    Sift,
    age_reasons,
    opt_in_reasons,
    priority_reasons,
    replicas_reasons,
    unmet,
)
from chaosd.core.etcd import etcd_signs
from chaosd.core.facts import (
    HELPER_LABEL,
    NodeFacts,
    Phase,
    PodFacts,
    Texts,
    WorkloadFacts,
)
from chaosd.core.model import Code, Reason, Reasons


def pod_reasons(
    sift: Sift,
    pod: PodFacts,
    workload: WorkloadFacts,
    namespace: Texts | None,
    node: NodeFacts | None,
) -> Reasons:
    """Every reason against ``pod`` itself.

    ``namespace`` is the namespace's labels, None when they could not be read. ``node`` None: there
    is no such node or it could not be read; only in namespaced mode is that no reason.
    """
    return (
        *opt_in_reasons(sift.opt_in, workload.labels, pod.labels, namespace),
        *_labels_reasons(sift, pod, workload),
        *_nature_reasons(sift, pod, workload),
        *priority_reasons(pod.priority_class),
        *_state_reasons(pod),
        *age_reasons(pod.created, sift.now, sift.select.min_age),
        *_node_reasons(sift, pod, node),
    )


def siblings_reasons(sift: Sift, workload: WorkloadFacts, pods: Sequence[PodFacts]) -> Reasons:
    """Every reason why the workload is not whole, by its pods themselves: status lags.

    ``pods`` are all pods that it owns, at whatever remove, read in one list. Finished ones count
    for nothing: they stay behind for people to read their logs.
    """
    running = [pod for pod in pods if not pod.finished]
    terminating = [pod.name for pod in running if pod.deleting]
    staying = [pod for pod in running if not pod.deleting]
    unready = [pod.name for pod in staying if not pod.ready]
    ready, desired = len(staying) - len(unready), workload.desired
    found = []
    if terminating:
        found.append(Reason(Code.TERMINATING, f"on their way out: {_listed(terminating)}"))
    if unready:
        detail = f"{ready} of {len(staying)} pods Ready, not {_listed(unready)}"
        found.append(Reason(Code.NOT_ALL_READY, detail))
    if desired is not None and len(staying) < desired:
        detail = f"only {len(staying)} of {desired} pods are there"
        found.append(Reason(Code.NOT_ALL_READY, detail))
    if desired is not None and len(staying) > desired:
        detail = f"{len(staying)} pods where {desired} are desired"
        found.append(Reason(Code.ROLLOUT, detail))
    return (*found, *replicas_reasons(ready, sift.select.min_replicas, desired))


def _labels_reasons(sift: Sift, pod: PodFacts, workload: WorkloadFacts) -> Reasons:
    """A pod's own labels lie on top of its workload's."""
    labels = {**workload.labels, **workload.template_labels}
    missing = unmet(sift.select.labels, labels, pod.labels)
    return (Reason(Code.LABELS_NOT_SELECTED, missing),) if missing else ()


def _nature_reasons(sift: Sift, pod: PodFacts, workload: WorkloadFacts) -> Reasons:
    """What the pod is, whatever state it is in."""
    found = []
    bare = workload.key.kind == "Pod" and "Pod" in sift.select.kinds
    if pod.namespace == sift.own.namespace and pod.name in sift.own.pods:
        found.append(Reason(Code.OWN_POD, "it is chaosd itself"))
    if HELPER_LABEL in pod.labels:
        found.append(Reason(Code.OWN_POD, "a helper pod of chaosd"))
    if pod.mirror:
        detail = "a static pod: its kubelet runs it, whatever the API says"
        found.append(Reason(Code.MIRROR_POD, detail))
    if pod.owner is None and not bare:
        found.append(Reason(Code.NO_CONTROLLER, "nothing would bring it back"))
    signs = etcd_signs(pod)
    if signs and str(pod) not in sift.members:
        found.append(Reason(Code.LOOKS_LIKE_ETCD, ", ".join(signs)))
    return tuple(found)


def _state_reasons(pod: PodFacts) -> Reasons:
    found = []
    if pod.deleting:
        found.append(Reason(Code.TERMINATING, "it is on its way out"))
    if pod.finished:
        found.append(Reason(Code.FINISHED, f"its phase is {pod.phase}"))
    elif pod.phase != Phase.RUNNING:
        found.append(Reason(Code.NOT_READY, f"its phase is {pod.phase}"))
    elif not pod.ready:
        found.append(Reason(Code.NOT_READY, "its Ready condition is not True"))
    return tuple(found)


def _node_reasons(sift: Sift, pod: PodFacts, node: NodeFacts | None) -> Reasons:
    if node is None:
        found = []
        if sift.select.nodes:
            detail = f"labels of node {pod.node or '(none)'} can't be read"
            found.append(Reason(Code.NODE_NOT_SELECTED, detail))
        if sift.nodes_readable:
            detail = f"node {pod.node} can't be found" if pod.node else "it is on no node"
            found.append(Reason(Code.NODE_NOT_READY, detail))
        return tuple(found)
    found = []
    if missing := unmet(sift.select.nodes, node.labels):
        found.append(Reason(Code.NODE_NOT_SELECTED, f"node {node.name}: {missing}"))
    if not node.ready:
        found.append(Reason(Code.NODE_NOT_READY, f"node {node.name} is not Ready"))
    if node.deleting:
        found.append(Reason(Code.NODE_NOT_READY, f"node {node.name} is being deleted"))
    return tuple(found)


def _listed(names: Sequence[str]) -> str:
    """The first few of many names."""
    some = ", ".join(sorted(names)[:5])
    return f"{some} and {len(names) - 5} more" if len(names) > 5 else some
