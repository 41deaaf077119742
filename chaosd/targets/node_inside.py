"""The inside of one node: the pods that it runs, and every reason in them against striking it."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from chaosd.core.capacity import Room
from chaosd.core.drain import Owned, Said, budget_reasons_of, pods_reasons, stays
from chaosd.core.facts import NodeFacts, Own, PodFacts, Texts
from chaosd.core.model import (
    Action,
    BudgetMode,
    Code,
    Examined,
    Impact,
    Reason,
    Reasons,
    StepAction,
    Victim,
    WorkloadKey,
)
from chaosd.core.nodes import NodeSift, do_not_disrupt
from chaosd.ports import Scope
from chaosd.targets.cloud import Cloud
from chaosd.targets.declared import NO_MEMBERS, Members
from chaosd.targets.family import own_workload
from chaosd.targets.node_cloud import cloud_of
from chaosd.targets.node_reads import NodeReads
from chaosd.targets.node_recovery import pool_lock
from chaosd.targets.node_survey import NodeSurvey, node_key
from chaosd.targets.owners import workload_of

_JOB = "Job"
_KEPT = timedelta(seconds=30)
_MANY, _SOME = 100, 25


def pods_of(reads: NodeReads, node: str) -> tuple[PodFacts, ...]:
    """All pods of a node, each once: a list that had to start again gives some twice."""
    return tuple({pod.uid: pod for page in reads.pods_on(node) for pod in page}.values())


class LastRoom:
    """The room that all nodes had when a node's pods found too little of it, for half a minute.

    It says no again, never yes: where little room is left, else every pod of the cluster would be
    read once more for each node that is drawn.
    """

    def __init__(self) -> None:
        self._kept: tuple[datetime, Room] | None = None

    def keep(self, now: datetime, room: Room | None) -> None:
        """Know this room from ``now`` on, or none."""
        self._kept = None if room is None else (now, room)

    def reasons(self, now: datetime, pods: Sequence[PodFacts], node: str) -> Reasons:
        """Why the pods of ``node`` found no room in it; nothing is said when none is known."""
        kept = self._kept
        if kept is None or not timedelta(0) <= now - kept[0] < _KEPT:
            return ()
        return kept[1].fits(pods, {node})


class NodeInside:
    """One node, read when it was drawn."""

    def __init__(
        self,
        reads: NodeReads,
        scope: Scope,
        own: Own,
        name: str,
        etcd: Members = NO_MEMBERS,
    ) -> None:
        self._reads = reads
        self._scope = scope
        self._policy = scope.policy
        self._own = own
        self._name = name
        self._etcd = etcd

    def examine(self, clouds: Sequence[Cloud], last: LastRoom) -> Examined:
        """Everything about the node, read again: its pods and their budgets, the other nodes, the
        room elsewhere, and last the node itself, whose UID and resourceVersion the strike names.

        What grows with the cluster is not read for a node whose pods must stay.
        """
        pods, survey = pods_of(self._reads, self._name), NodeSurvey(self._reads, self._scope)
        reasons = self._pods_reasons(pods) or self._room_reasons(pods, survey, last)
        node = self._reads.node(self._name)
        if node is None:
            return Examined((Reason(Code.GONE, f"there is no node {self._name}"),))
        sift = NodeSift(self._scope.configuration, self._policy, self._scope.now)
        # Reasons of its pods or of a room that was known are said without a look at the fleet.
        fleet = () if reasons else survey.missed(node)
        against = (
            *sift.reasons(node),
            *fleet,
            *reasons,
            *self._cloud_reasons(node, clouds),
        )
        if against:
            return Examined(tuple(dict.fromkeys(against)))
        pool = survey.fleet.pool_of(node)
        victim = self._victim(node)
        return Examined(
            victim=victim,
            impact=self._impact(pods, pool_lock(self._policy.node.pool, pool)),
            desired=survey.fleet.ready_in_pool(pool),
            first=self._first,
            undoes=victim if self._first is StepAction.TAINT else None,
        )

    def vet(self, owned: Sequence[Owned]) -> Reasons:
        """What speaks against taking these pods down, but for budgets and room."""
        return pods_reasons(owned, self._said(owned), self._policy.action, self._policy.node)

    def vet_themselves(self, owned: Sequence[Owned]) -> Reasons:
        """As :meth:`vet`, by what the pods say themselves: nothing more is read."""
        said = Said(
            opt_in=self._scope.configuration.opt_in, own=self._own, members=self._members(owned)
        )
        return pods_reasons(owned, said, self._policy.action, self._policy.node)

    def unwanted(self, node: NodeFacts) -> Reasons:
        """Why the node may not be touched any more, by its own labels and annotations."""
        sift = NodeSift(self._scope.configuration, self._policy, self._scope.now)
        said = do_not_disrupt(node.annotations)
        detail = f"the node says {said}"
        return (
            *sift.opt_in_reasons(node),
            *((Reason(Code.DO_NOT_DISRUPT, detail),) if said else ()),
        )

    def against_the_end(self, node: NodeFacts, pods: Sequence[PodFacts]) -> Reasons:
        """Why the drained node may not go down any more: a drain takes long, and what goes down
        with the machine, and the other nodes, may be others than when it began."""
        survey = NodeSurvey(self._reads, self._scope)
        for _ in survey.read():
            pass
        return (*self._pods_reasons(pods), *survey.missed(node))

    @property
    def drains(self) -> bool:
        """Whether the pods are moved away before the node is struck."""
        return self._policy.action is Action.DRAIN or self._policy.pdb is BudgetMode.RESPECT

    @property
    def _first(self) -> StepAction:
        if self.drains:
            return StepAction.TAINT
        terminate = self._policy.action is Action.TERMINATE
        return StepAction.TERMINATE if terminate else StepAction.REBOOT

    def _victim(self, node: NodeFacts) -> Victim:
        marks = {StepAction.REBOOT: node.boot_id, StepAction.TERMINATE: node.provider_id}
        mark = marks.get(self._first, "")
        return Victim("", node.name, node.uid, node.resource_version, node.name, "Node", "", mark)

    def _impact(self, pods: Sequence[PodFacts], pool: str) -> Impact:
        """What goes down: the pods that are evicted, or without a drain all that run there; and
        with the machine what a drain leaves on it."""
        down = [pod for pod in pods if not stays(pod)]
        workloads = (workload for _, workload in self.owned(down) if workload)
        falls = self._policy.action is not Action.DRAIN
        return Impact(
            pods=tuple(map(str, down)),
            machines=(self._name,) if falls else (),
            disks_lost=self._policy.action is Action.TERMINATE,
            workloads=tuple(dict.fromkeys(map(str, workloads))),
            nodes=(self._name,),
            locks=(str(node_key(self._name)), pool),
        )

    def _pods_reasons(self, pods: Sequence[PodFacts]) -> Reasons:
        reasons = self.vet(self.owned(pods))
        if self._policy.pdb is not BudgetMode.RESPECT:
            return reasons
        places = dict.fromkeys(pod.namespace for pod in pods if not pod.finished)
        budgets = [budget for place in places for budget in self._reads.budgets(place)]
        return (*reasons, *budget_reasons_of(pods, budgets, self._policy.action))

    def _room_reasons(
        self, pods: Sequence[PodFacts], survey: NodeSurvey, last: LastRoom
    ) -> Reasons:
        """Whether the pods fit elsewhere; the ``survey`` has read all nodes then, unless the room
        of the ``last`` look was too small for them already."""
        # Without a drain, what a reboot takes down comes back where it was.
        moves = self.drains or self._policy.action is not Action.REBOOT
        down = [pod for pod in pods if not stays(pod)]
        if moves and (reasons := last.reasons(self._scope.now, down, self._name)):
            return reasons
        room = Room()
        for known in survey.read():
            room.add_nodes([known])
        if not moves:
            return ()
        away = {self._name, *self._scope.struck}
        reasons = (
            () if self._fits_on_some(room, down, away) else self._fits_on_all(room, down, away)
        )
        last.keep(self._scope.now, room if reasons else None)
        return reasons

    def _fits_on_some(self, room: Room, down: Sequence[PodFacts], away: Collection[str]) -> bool:
        """Whether a few of many nodes have the room, so that no more pods than theirs need be
        read: in a large cluster all of them are hundreds of megabytes."""
        hosts = room.hosts(down, away)
        if len(hosts) <= _MANY:
            return False
        begin = bisect(hosts, self._name)
        nearby = [*hosts[begin:], *hosts[:begin]][:_SOME]
        for number, host in enumerate(nearby, 1):
            for page in self._reads.placed(host):
                room.add_pods(page)
            if not room.fits(down, away, nearby[:number]):
                return True
        room.forget_pods()
        return False

    def _fits_on_all(self, room: Room, down: Sequence[PodFacts], away: Collection[str]) -> Reasons:
        for page in self._reads.placed():
            room.add_pods(page)
        return room.fits(down, away)

    def _cloud_reasons(self, node: NodeFacts, clouds: Sequence[Cloud]) -> Reasons:
        if self._policy.action is not Action.TERMINATE:
            return ()
        cloud = cloud_of(clouds, node.provider_id)
        if cloud is None:
            why = f"its providerID {node.provider_id!r} is of no cloud that chaosd knows"
        else:
            why = cloud.objection(node.provider_id)
        return (Reason(Code.NO_PROVIDER, why),) if why else ()

    def owned(self, pods: Sequence[PodFacts]) -> list[Owned]:
        """Each pod with its workload; a Job's is the CronJob that made it."""
        owned = [(pod, workload_of(pod)) for pod in pods]
        jobs = {key for _, key in owned if key and key.kind == _JOB}
        cron: dict[WorkloadKey, WorkloadKey] = {}
        for place in dict.fromkeys(key.namespace for key in jobs):
            for page in self._reads.job_owners(place):
                cron.update((job, owner) for job, owner in page if job in jobs)
        return [(pod, cron.get(key, key) if key else None) for pod, key in owned]

    def _said(self, owned: Sequence[Owned]) -> Said:
        opt_in = self._scope.configuration.opt_in
        spaces: dict[str, Texts] = {}
        for page in self._reads.namespaces(opt_in.label):
            spaces.update((one.name, one.labels) for one in page)
        claims = any(pod.claims for pod, _ in owned)
        return Said(
            opt_in=opt_in,
            namespaces=spaces,
            vetoed=frozenset(self._vetoed({key.kind for _, key in owned if key})),
            local_claims=self._reads.local_claims() if claims else frozenset(),
            members=self._members(owned),
            own=self._own,
            own_workload=own_workload(self._reads, self._own),
        )

    def _members(self, owned: Sequence[Owned]) -> frozenset[str]:
        pods = [pod for pod, _ in owned]
        return self._etcd.declared_pods(self._scope.configuration, pods, self._scope.now)

    def _vetoed(self, kinds: set[str]) -> Iterator[WorkloadKey]:
        """The workloads that say something else than yes: the server leaves out all others."""
        opt_in = self._scope.configuration.opt_in
        for kind in sorted(kinds & self._reads.kinds):
            for page in self._reads.workloads(
                kind, None, f"{opt_in.label},{opt_in.label}!={opt_in.value}"
            ):
                for workload in page:
                    if workload.labels.get(opt_in.label, "").lower() == "false":
                        yield workload.key
