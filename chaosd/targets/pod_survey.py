"""Surveying pods: the workloads that opted in, found by as few and as small lists as will do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from chaosd.core.eligibility import Sift
from chaosd.core.facts import PodFacts, Texts, WorkloadFacts
from chaosd.core.model import Candidate, Code, Configuration, Reason, WorkloadKey
from chaosd.core.schedule import MeanTime
from chaosd.targets.lists import places, worth_counting
from chaosd.targets.namespaces import is_literal, namespace_labels, selects_namespace
from chaosd.targets.owners import BARE, LONG_AGO, bare_pod, own_kind, workload_of
from chaosd.targets.reads import Reads

ANNOTATIONS = "chaosd.io/"
_JOBS = frozenset({"Job", "CronJob"})

# What can be said of a workload by the metadata of one of its pods.
_TOLD_BY_POD = frozenset(
    {
        Code.VETOED,
        Code.UNREADABLE,
        Code.NAMESPACE_NOT_SELECTED,
        Code.SYSTEM_NAMESPACE,
        Code.KIND_NOT_SELECTED,
        Code.NAME_NOT_SELECTED,
    }
)


class Survey:
    """One survey of one policy: every workload once, however many ways it opted in.

    What it holds are keys of workloads and names of namespaces that carry the opt-in label, never
    objects. ``own`` is chaosd's own workload.
    """

    def __init__(
        self, reads: Reads, configuration: Configuration, sift: Sift, own: WorkloadKey | None
    ) -> None:
        self._reads = reads
        self._configuration = configuration
        self._sift = sift
        self._select = sift.select
        self._own = own
        self._opt_in = f"{sift.opt_in.label}={sift.opt_in.value}"
        self._seen: set[WorkloadKey] = set()
        self._said: dict[str, str] = {}
        self._unread: set[str] = set()

    def candidates(self) -> Iterator[Candidate]:
        """The workloads that opted in, by a label of their own, their namespace or their pods.

        The namespaces with the opt-in label are one list; then come the workloads with the label,
        one list for each kind (and for each namespace, when all are named in full); then those of
        opted-in namespaces; then the pods with the label, by their metadata alone.
        """
        self._read_namespaces()
        known = [kind for kind in self._select.kinds if kind in self._reads.kinds]
        for kind in known:
            for place in self._places():
                yield from self._listed(kind, place, self._opt_in)
        yield from self._by_namespace(known)
        yield from self._by_pods()

    def _read_namespaces(self) -> None:
        """What namespaces say under the opt-in label: those that say nothing are not sent.

        In namespaced mode each is read by itself, and only its veto counts.
        """
        label = self._sift.opt_in.label
        if self._configuration.namespaces is not None:
            for name in self._places():
                self._read_veto(name or "", label)
            return
        for page in self._reads.namespaces(label):
            self._said.update((one.name, one.labels.get(label, "")) for one in page)

    def _read_veto(self, name: str, label: str) -> None:
        found = namespace_labels(self._reads, self._configuration, name)
        if found is None:
            self._unread.add(name)
        elif not isinstance(found, Reason) and label in found:
            self._said[name] = found[label]

    def _places(self) -> Sequence[str | None]:
        """Where to look for labels: everywhere at once, unless all namespaces are named."""
        named = self._configuration.namespaces
        if named is not None:
            return [name for name in named if selects_namespace(self._select, name)]
        if self._select.namespaces and all(map(is_literal, self._select.namespaces)):
            return list(dict.fromkeys(self._select.namespaces))
        return [None]

    def _listed(
        self, kind: str, place: str | None, labels: str, wanted: frozenset[str] | None = None
    ) -> Iterator[Candidate]:
        """Workloads of one list, those not seen yet (and of the namespaces ``wanted``)."""
        for page in self._reads.workloads(kind, place, labels):
            for workload in page:
                if wanted is None or workload.key.namespace in wanted:
                    yield from self._once(workload)

    def _once(self, workload: WorkloadFacts, *, pods_opted_in: bool = False) -> Iterator[Candidate]:
        if workload.key in self._seen:
            return
        self._seen.add(workload.key)
        namespace = self._namespace(workload.key.namespace)
        reasons = self._sift.reasons(workload, namespace, pods_opted_in=pods_opted_in)
        yield candidate_of(workload, (*reasons, *own_reasons(workload.key, self._own)))

    def _namespace(self, name: str) -> Texts | None:
        """The one label of a namespace that matters; None when it may not be read."""
        if name in self._unread:
            return None
        said = self._said.get(name)
        return {} if said is None else {self._sift.opt_in.label: said}

    def _by_namespace(self, known: Sequence[str]) -> Iterator[Candidate]:
        """Everything in the namespaces that opted in, and that the policy may choose from."""
        value = self._sift.opt_in.value
        opted_in = frozenset(
            name
            for name, said in self._said.items()
            if said == value and selects_namespace(self._select, name)
        )
        for kind in known:
            for place in self._cheapest(kind, opted_in):
                yield from self._listed(kind, place, "", opted_in)
        if any(kind not in self._reads.kinds for kind in self._select.kinds):
            for place in self._cheapest(BARE, opted_in):
                for page in self._reads.pod_metadata(place, ""):
                    yield from self._strangers(page, opted_in)

    def _cheapest(self, kind: str, namespaces: frozenset[str]) -> Sequence[str | None]:
        """Where to list a kind; in namespaced mode never everywhere."""
        cluster = self._configuration.namespaces is None
        total = self._reads.count(kind) if cluster and worth_counting(namespaces) else None
        return places(namespaces, total)

    def _strangers(
        self, page: Sequence[PodFacts], namespaces: frozenset[str]
    ) -> Iterator[Candidate]:
        """Bare pods and workloads of somebody's own kind, which only their pods tell of."""
        for pod in page:
            key = workload_of(pod)
            if key and pod.namespace in namespaces and self._is_stranger(key):
                yield from self._traced(key, pod, pods_opted_in=False)

    def _is_stranger(self, key: WorkloadKey) -> bool:
        return key.kind in self._select.kinds and key.kind not in self._reads.kinds

    def _by_pods(self) -> Iterator[Candidate]:
        """The workloads of pods with the label, each told by one of its pods.

        They are read when they are drawn. With a mean time they are read now, in lists, because
        their annotations may lower their rate.
        """
        of_jobs: dict[WorkloadKey, PodFacts] = {}
        unread: dict[str, set[WorkloadKey]] = {}
        for place in self._places():
            for page in self._reads.pod_metadata(place, self._opt_in):
                for pod in page:
                    key = workload_of(pod)
                    if key is None or key in self._seen:
                        continue
                    if key.kind == "Job" and _JOBS & set(self._select.kinds):
                        of_jobs.setdefault(key, _slim(pod))
                    elif self._must_read(key):
                        unread.setdefault(key.kind, set()).add(key)
                    else:
                        yield from self._traced(key, pod, pods_opted_in=True)
        for key, pod in self._topmost(of_jobs):
            if key in self._seen:
                continue
            if self._must_read(key):
                unread.setdefault(key.kind, set()).add(key)
            else:
                yield from self._traced(key, pod, pods_opted_in=True)
        for kind, keys in unread.items():
            yield from self._read_now(kind, keys)

    def _must_read(self, key: WorkloadKey) -> bool:
        mean = isinstance(self._sift.policy.schedule, MeanTime)
        return mean and key.kind in self._reads.kinds and key.kind in self._select.kinds

    def _topmost(
        self, of_jobs: Mapping[WorkloadKey, PodFacts]
    ) -> Iterator[tuple[WorkloadKey, PodFacts]]:
        """The CronJobs of these Jobs, or the Jobs themselves where no CronJob owns them."""
        if not of_jobs:
            return
        owners: dict[WorkloadKey, WorkloadKey] = {}
        for place in self._cheapest("Job", frozenset(key.namespace for key in of_jobs)):
            for page in self._reads.job_owners(place):
                owners.update((job, owner) for job, owner in page if job in of_jobs)
        for job, pod in of_jobs.items():
            yield owners.get(job, job), pod

    def _read_now(self, kind: str, keys: set[WorkloadKey]) -> Iterator[Candidate]:
        for place in self._cheapest(kind, frozenset(key.namespace for key in keys)):
            for page in self._reads.workloads(kind, place, ""):
                for workload in page:
                    if workload.key in keys:
                        yield from self._once(workload, pods_opted_in=True)

    def _traced(
        self, key: WorkloadKey, pod: PodFacts, *, pods_opted_in: bool
    ) -> Iterator[Candidate]:
        """A workload as far as the metadata of one of its pods tells."""
        if key in self._seen:
            return
        self._seen.add(key)
        told = bare_pod(pod, metadata_only=True) if key.kind == BARE else own_kind(key, [pod])
        told = msgspec.structs.replace(told, created=LONG_AGO)
        namespace = self._namespace(key.namespace)
        reasons = self._sift.reasons(told, namespace, pods_opted_in=pods_opted_in)
        kept = tuple(reason for reason in reasons if reason.code in _TOLD_BY_POD)
        yield candidate_of(told, (*kept, *own_reasons(key, self._own)))


def candidate_of(workload: WorkloadFacts, reasons: tuple[Reason, ...]) -> Candidate:
    """A surveyed workload; of its annotations, those that are meant for chaosd."""
    annotations = {
        name: text for name, text in workload.annotations.items() if name.startswith(ANNOTATIONS)
    }
    unique = tuple(dict.fromkeys(reasons))
    return Candidate(str(workload.key), workload.key, unique, annotations)


def own_reasons(key: WorkloadKey, own: WorkloadKey | None) -> tuple[Reason, ...]:
    """chaosd does not kill itself."""
    return (Reason(Code.OWN_POD, "it is chaosd itself"),) if key == own else ()


def _slim(pod: PodFacts) -> PodFacts:
    """What is kept of a pod until its Job's owner is known."""
    return msgspec.structs.replace(pod, annotations={})
