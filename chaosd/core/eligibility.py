"""Whether a workload may be struck: every reason against it that its own object can tell.

The reasons of its pods are in :mod:`chaosd.core.pods`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from fnmatch import translate
from types import MappingProxyType

from chaosd.core.duration import render
from chaosd.core.facts import Own, Texts, WorkloadFacts
from chaosd.core.model import Code, Configuration, OptIn, Policy, Reason, Reasons
from chaosd.core.rates import annotation_reasons, rate_of
from chaosd.core.selector import Selector
from chaosd.core.wholeness import whole_reasons

__all__ = [
    "SYSTEM_NAMESPACE",
    "VETO",
    "Sift",
    "age_reasons",
    "opt_in_reasons",
    "priority_reasons",
    "rate_of",
    "replicas_reasons",
    "unmet",
]

SYSTEM_NAMESPACE = "kube-system"
VETO = "false"

_NONE: Texts = MappingProxyType({})


class Sift:
    """The rules of one policy at one instant, prepared for many workloads and pods.

    Selected labels and annotations are looked for on the workload and on its pod template; where
    both carry the same key, the template's counts, since that is what the pods carry. ``minAge``
    is asked of the pod, and of the workload too, whose pods are no older than itself.

    ``members`` are the pods (``namespace/name``) that are members of declared etcd clusters, whose
    guard judges them: to look like etcd is no reason against them.

    Raises:
        ValueError: ``select.names`` is no regular expression.
    """

    def __init__(
        self,
        configuration: Configuration,
        policy: Policy,
        now: datetime,
        own: Own,
        members: frozenset[str] = frozenset(),
    ) -> None:
        self.policy = policy
        self.select = policy.select
        self.opt_in = configuration.opt_in
        self.now = now
        self.own = own
        self.members = members
        self.nodes_readable = configuration.namespaces is None
        try:
            self._names = re.compile(self.select.names) if self.select.names else None
        except re.error as error:
            raise ValueError(f"names: {self.select.names!r} is no regex: {error}") from None
        globs = "|".join(map(translate, self.select.namespaces))
        self._namespaces = re.compile(globs) if globs else None
        self._namespace_reasons: dict[str, Reasons] = {}

    def reasons(
        self, workload: WorkloadFacts, namespace: Texts | None, *, pods_opted_in: bool = False
    ) -> Reasons:
        """Every reason against ``workload`` that is known without its pods.

        ``namespace`` is the namespace's labels; None: they could not be read, which is a reason.
        ``pods_opted_in``: one of its pods carries the opt-in by a label of its own.
        """
        pods = workload.template_labels
        if pods_opted_in and self.opt_in.label not in pods:
            pods = {self.opt_in.label: self.opt_in.value}
        return (
            opt_in_reasons(self.opt_in, workload.labels, pods, namespace)
            + self._namespace(workload.key.namespace)
            + self._selection(workload)
            + annotation_reasons(self.policy, workload.annotations)
            + age_reasons(workload.created, self.now, self.select.min_age)
            + whole_reasons(workload)
            + replicas_reasons(workload.ready, self.select.min_replicas, workload.desired)
            + priority_reasons(workload.priority_class)
        )

    def _namespace(self, name: str) -> Reasons:
        found = self._namespace_reasons.get(name)
        if found is None:
            found = self._namespace_reasons[name] = self._judge_namespace(name)
        return found

    def _judge_namespace(self, name: str) -> Reasons:
        found = []
        listed = self.select.namespaces
        if self._namespaces and not self._namespaces.match(name):
            detail = f"{name} is not among {', '.join(listed)}"
            found.append(Reason(Code.NAMESPACE_NOT_SELECTED, detail))
        if name == SYSTEM_NAMESPACE and name not in listed:
            detail = f"{name} is spared unless select.namespaces names it in full"
            found.append(Reason(Code.SYSTEM_NAMESPACE, detail))
        return tuple(found)

    def _selection(self, workload: WorkloadFacts) -> Reasons:
        select, key = self.select, workload.key
        found: list[Reason] = []
        if key.kind not in select.kinds:
            detail = f"{key.kind} is not among {', '.join(select.kinds)}"
            found.append(Reason(Code.KIND_NOT_SELECTED, detail))
        if missing := unmet(select.labels, workload.labels, workload.template_labels):
            found.append(Reason(Code.LABELS_NOT_SELECTED, missing))
        if missing := unmet(
            select.annotations, workload.annotations, workload.template_annotations
        ):
            found.append(Reason(Code.ANNOTATIONS_NOT_SELECTED, missing))
        if self._names and not self._names.search(key.name):
            detail = f"{key.name} does not match {select.names}"
            found.append(Reason(Code.NAME_NOT_SELECTED, detail))
        return tuple(found)


def opt_in_reasons(
    opt_in: OptIn, workload: Texts, pod: Texts | None, namespace: Texts | None
) -> Reasons:
    """Opted in by any of the three labels, vetoed by any that says ``false`` (in any case).

    ``pod`` None: not looked at. ``namespace`` None: could not be read, so it may hold a veto.
    """
    label, value = opt_in.label, opt_in.value
    said = (
        workload.get(label),
        pod.get(label) if pod is not None else None,
        namespace.get(label) if namespace is not None else None,
    )
    yes = said.count(value)
    if yes and yes + said.count(None) == len(said) and namespace is not None:
        # The short way for the many: somebody says yes, and nobody anything else.
        return () if value.lower() != VETO else _vetoes(label, said)
    found = [*_vetoes(label, said)]
    if namespace is None:
        detail = f"the namespace's labels could not be read, and one may be {label}=false"
        found.append(Reason(Code.UNREADABLE, detail))
    if not yes:
        found.append(Reason(Code.NOT_OPTED_IN, _not_opted_in(opt_in, said)))
    return tuple(found)


def age_reasons(created: datetime, now: datetime, least: timedelta) -> Reasons:
    """Too young, when ``created`` is less than ``least`` ago."""
    age = now - created
    if age >= least:
        return ()
    return (Reason(Code.TOO_YOUNG, f"{render(age)} old, minAge is {render(least)}"),)


def replicas_reasons(ready: int | None, least: int, desired: int | None) -> Reasons:
    """Too few Ready pods; one that wants none at all is told so elsewhere."""
    if ready is None or ready >= least or desired == 0:
        return ()
    return (Reason(Code.TOO_FEW_REPLICAS, f"{ready} Ready, minReplicas is {least}"),)


def priority_reasons(name: str) -> Reasons:
    """Critical, for the classes that Kubernetes keeps for what the cluster itself needs.

    Source: https://kubernetes.io/docs/tasks/administer-cluster/guaranteed-scheduling-critical-addon-pods/
    """
    if name.startswith("system-") and name.endswith("-critical"):
        return (Reason(Code.CRITICAL_PRIORITY, f"its priority class is {name}"),)
    return ()


def unmet(selector: Selector, labels: Texts, over: Texts = _NONE) -> str:
    """The conditions that the labels don't meet, with what stands there instead; empty: none.

    ``over`` lies on top of ``labels``.
    """
    if not selector.requirements:
        return ""
    merged = {**labels, **over} if over else labels
    if selector.matches(merged):
        return ""
    return "; ".join(
        f"{requirement} does not hold: {_stands(requirement.key, merged)}"
        for requirement in selector.requirements
        if not requirement.matches(merged)
    )


def _vetoes(label: str, said: tuple[str | None, ...]) -> Reasons:
    return tuple(
        Reason(Code.VETOED, f"the {who} says {label}={text}")
        for who, text in zip(("workload", "pod", "namespace"), said, strict=True)
        if text is not None and text.lower() == VETO
    )


def _not_opted_in(opt_in: OptIn, said: Iterable[str | None]) -> str:
    others = sorted({text for text in said if text is not None})
    other = f" (found {', '.join(others)})" if others else ""
    return f"no {opt_in.label}={opt_in.value} on workload, pods or namespace{other}"


def _stands(key: str, labels: Mapping[str, str]) -> str:
    return f"{key}={labels[key]}" if key in labels else f"no {key}"
