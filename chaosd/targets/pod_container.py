"""Which container of a pod a crash is for."""

from __future__ import annotations

from chaosd.core.facts import ContainerFacts, PodFacts
from chaosd.core.model import Code, Reason, Reasons

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
"""The annotation by which a pod says which container people mean.
https://kubernetes.io/docs/reference/labels-annotations-taints/#kubectl-kubernetes-io-default-container
"""


def container_of(pod: PodFacts, named: str) -> tuple[ContainerFacts, Reasons]:
    """The container called ``named`` (else the one that the pod's annotation names, else its first)
    and the reasons why it can't be crashed: it is not there, or doesn't run.
    """
    name = named or pod.annotations.get(DEFAULT_CONTAINER, "")
    found = next((one for one in pod.containers if name in ("", one.name)), None)
    if found is None:
        has = ", ".join(one.name for one in pod.containers) or "none"
        who = "the policy" if named else f"its annotation {DEFAULT_CONTAINER}"
        detail = f"{who} names container {name!r}; it has {has}"
        return ContainerFacts(), (Reason(Code.NO_CONTAINER, detail),)
    if not found.id:
        return found, (Reason(Code.NOT_READY, f"container {found.name} does not run"),)
    return found, ()
