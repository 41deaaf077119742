"""Why, and why not: every reason of every check, for all candidates or for one that was named.

Nothing here is sent that changes anything. A decision stops at the first candidate that passes; an
explanation asks all checks of all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec
from msgspec import Struct

from chaosd.core.etcd_model import ETCD
from chaosd.core.ledger import Ledger
from chaosd.core.model import (
    Candidate,
    Code,
    Configuration,
    Examined,
    Policy,
    Reason,
    Reasons,
    TargetKind,
    WorkloadKey,
)
from chaosd.core.status import Status
from chaosd.engine.attempt import unreadable
from chaosd.engine.guards import object_to, with_locks
from chaosd.engine.rest import rest_of, rest_of_impact
from chaosd.ports import CallFailed, Clock, Guard, Scope, Target

ELIGIBLE = "eligible"
DEEP = 50
"""How many workloads are looked into, pod by pod, unless more are asked for."""
_NO_MEMBERS: Mapping[str, Collection[str]] = MappingProxyType({})


class Judged(Struct, frozen=True, rename="camel"):
    """Something that was looked at (a workload or a pod), and all that speaks against it."""

    name: str
    reasons: Reasons = ()


class WorkloadJudged(Struct, frozen=True, rename="camel"):
    """A workload (or node), with all that speaks against it and what each pod has on top of that.

    ``victims`` are the pods that could be struck at this moment, as far as was looked; ``looked``:
    whether its pods were looked at one by one.
    """

    name: str
    reasons: Reasons = ()
    pods: tuple[Judged, ...] = ()
    victims: tuple[str, ...] = ()
    looked: bool = False


class _Named(Struct, frozen=True):
    """What a policy is asked about; ``pods`` (or members) alone are told of, None: all."""

    key: WorkloadKey
    pods: frozenset[str] | None = None


class PolicyExplained(Struct, frozen=True, rename="camel"):
    """What a policy finds. ``against`` is why it may not strike at all now; ``counts`` the
    candidates by reason code (``eligible`` for none); ``unread`` why the rest is not known."""

    policy: str
    dry_run: bool
    against: Reasons
    target: TargetKind = TargetKind.POD
    counts: Mapping[str, int] = {}
    workloads: tuple[WorkloadJudged, ...] = ()
    unread: str = ""

    @property
    def eligible(self) -> tuple[WorkloadJudged, ...]:
        """The workloads that nothing speaks against."""
        return tuple(one for one in self.workloads if not one.reasons)


class Explainer:
    """Explains one configuration against one cluster and its ledger.

    ``standing`` is how things stand (:func:`chaosd.core.status.status`): it holds the reasons that
    bind whole policies. ``deep`` bounds how many workloads of a policy are looked into.
    """

    def __init__(
        self,
        configuration: Configuration,
        targets: Mapping[TargetKind, Target],
        guards: Sequence[Guard],
        ledger: Ledger,
        standing: Status,
        clock: Clock,
        deep: int = DEEP,
    ) -> None:
        self._configuration = configuration
        self._targets = targets
        self._guards = guards
        self._ledger = ledger
        self._against = {policy.name: policy.against for policy in standing.policies}
        self._clock = clock
        self._deep = deep

    def declares(self, name: str) -> bool:
        """Whether an etcd cluster of that name is declared."""
        return self._configuration.etcd_cluster(name) is not None

    def everything(self) -> Iterator[PolicyExplained]:
        """Each policy with all its candidates; those that pass so far are looked into."""
        for policy in self._configuration.policies:
            yield self._policy(policy)

    def workload(
        self,
        key: WorkloadKey,
        pod: str = "",
        members: Mapping[str, Collection[str]] = _NO_MEMBERS,
    ) -> Iterator[PolicyExplained]:
        """Each policy that is about it with one workload, and all its pods (or the one called
        ``pod``); or with one node.

        ``members`` are those of declared etcd clusters that it runs, by the clusters' names: the
        policies that name a cluster tell of them.
        """
        own = _Named(key, frozenset({f"{key.namespace}/{pod}"}) if pod else None)
        clusters = {
            name: _Named(WorkloadKey("", ETCD, name), frozenset(f"{name}/{one}" for one in some))
            for name, some in members.items()
        }
        for policy in self._configuration.policies:
            if policy.target is key.target:
                yield self._policy(policy, own)
            elif about := [clusters[name] for name in policy.clusters if name in clusters]:
                yield self._policy(policy, *about)

    def find(self, kind: str, name: str) -> tuple[WorkloadKey, ...]:
        """The workloads of that kind and name that any policy surveys; raises CallFailed."""
        found = {
            candidate.workload
            for policy in self._configuration.policies
            for candidate in self._targets[policy.target].survey(self._scope(policy), None)
            if policy.target is TargetKind.POD
            if (candidate.workload.kind, candidate.workload.name) == (kind, name)
        }
        return tuple(sorted(found))

    def _policy(self, policy: Policy, *named: _Named) -> PolicyExplained:
        against = self._against[policy.name]
        explained = PolicyExplained(policy.name, policy.dry_run, against, policy.target)
        judged: dict[str, WorkloadJudged] = {}
        unread = ""
        try:
            for only in named or (None,):
                self._look(policy, only, judged)
        except CallFailed as error:
            unread = str(unreadable(error))
        workloads = tuple(judged[key] for key in sorted(judged))
        return msgspec.structs.replace(
            explained, counts=_counts(workloads), workloads=workloads, unread=unread
        )

    def _look(self, policy: Policy, only: _Named | None, judged: dict[str, WorkloadJudged]) -> None:
        """Judge all candidates, or the one that is named; raises CallFailed with what is known."""
        scope = self._scope(policy)
        for candidate in self._targets[policy.target].survey(scope, only.key if only else None):
            judged[candidate.key] = self._surveyed(policy, candidate)
            passed = sum(not one.reasons for one in judged.values())
            if only or (not judged[candidate.key].reasons and passed <= self._deep):
                one = self._inside(policy, candidate, judged[candidate.key], only is not None)
                judged[candidate.key] = one if only is None else _only(one, only.pods)

    def _surveyed(self, policy: Policy, candidate: Candidate) -> WorkloadJudged:
        """What is known of a workload without its pods, the ledger's reasons included."""
        rest = rest_of(self._ledger, policy, candidate, self._clock.now())
        return WorkloadJudged(candidate.key, tuple(dict.fromkeys((*candidate.reasons, *rest))))

    def _inside(
        self, policy: Policy, candidate: Candidate, judged: WorkloadJudged, every: bool
    ) -> WorkloadJudged:
        """Look at the pods: at ``every`` one, or until one of them could be struck.

        A workload none of whose pods could be gets their reasons.
        """
        scope, target = self._scope(policy), self._targets[policy.target]
        shared = set(judged.reasons)
        pods: list[Judged] = []
        victims: list[str] = []
        for one in target.expand(scope, candidate):
            if one.key == candidate.key:
                # It has no pods to look at, and this says why.
                together = (*judged.reasons, *one.reasons)
                return msgspec.structs.replace(judged, reasons=tuple(dict.fromkeys(together)))
            if one.reasons and not every:
                reasons = one.reasons
            else:
                reasons = self._examined(scope, target, one)
            own = tuple(dict.fromkeys(reason for reason in reasons if reason not in shared))
            if candidate.workload.target is TargetKind.NODE:
                return _of_the_node(judged, one.key, own)
            pods.append(Judged(one.key, own))
            if not own and not shared:
                victims.append(one.key)
                if not every:
                    break
        reasons = judged.reasons
        if not victims:
            reasons = (*reasons, *_of_all(pods)) if reasons else _of_the_pods(pods)
            # What holds for all of them is said once.
            pods = [_without(pod, reasons) for pod in pods]
        return WorkloadJudged(judged.name, reasons, tuple(pods), tuple(victims), looked=True)

    def _examined(self, scope: Scope, target: Target, one: Candidate) -> Reasons:
        examined: Examined = target.examine(scope, one)
        guarded = object_to(self._guards, scope.configuration, examined.impact, scope.now)
        examined = with_locks(examined, guarded.locks)
        rest = rest_of_impact(self._ledger, scope.policy, one, examined.impact, scope.now)
        return (*one.reasons, *examined.reasons, *guarded.reasons, *rest)

    def _scope(self, policy: Policy) -> Scope:
        struck = self._ledger.nodes_struck()
        return Scope(self._configuration, policy, self._clock.now(), struck)


def _of_the_node(judged: WorkloadJudged, name: str, own: Reasons) -> WorkloadJudged:
    """A node is its own workload: all that speaks against it is one list."""
    reasons = (*judged.reasons, *own)
    return WorkloadJudged(judged.name, reasons, (), () if reasons else (name,), looked=True)


def _of_all(pods: Sequence[Judged]) -> Reasons:
    """What speaks against every one of them, in the same words."""
    first = pods[0].reasons if pods else ()
    return tuple(one for one in first if all(one in pod.reasons for pod in pods))


def _of_the_pods(pods: Sequence[Judged]) -> Reasons:
    """Why none of the pods could be struck: each code once. What does not hold for all of them in
    the same words is told with one that it holds for, and how many more there are."""
    by_code: dict[Code, dict[str, list[str]]] = {}
    for pod in pods:
        for reason in pod.reasons:
            by_code.setdefault(reason.code, {}).setdefault(reason.detail, []).append(pod.name)
    return tuple(Reason(code, _told(found, len(pods))) for code, found in by_code.items())


def _told(found: Mapping[str, Sequence[str]], pods: int) -> str:
    for detail, names in found.items():
        if len(names) == pods:
            return detail
    detail, names = next(iter(found.items()))
    others = len({name for some in found.values() for name in some}) - 1
    named = names[0].rpartition("/")[2] in detail
    more = f" (and {others} more like it)" if others else ""
    return f"{detail}{'' if named else f': {names[0]}'}{more}"


def _without(pod: Judged, reasons: Reasons) -> Judged:
    return Judged(pod.name, tuple(reason for reason in pod.reasons if reason not in reasons))


def _only(workload: WorkloadJudged, pods: frozenset[str] | None) -> WorkloadJudged:
    """The workload with those pods alone; with all, if it has none of them."""
    if pods is None:
        return workload
    kept = tuple(one for one in workload.pods if one.name in pods)
    if pods and not kept:
        return workload
    victims = tuple(name for name in workload.victims if name in pods)
    return msgspec.structs.replace(workload, pods=kept, victims=victims)


def _counts(workloads: Sequence[WorkloadJudged]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for one in workloads:
        counts.update({str(reason.code) for reason in one.reasons} or {ELIGIBLE})
    return dict(sorted(counts.items(), key=lambda item: (item[0] != ELIGIBLE, -item[1], item[0])))
