"""What was read about workloads, pods, nodes and budgets: all that decisions about them need.

Adapters fill these structs; nothing here judges. All instants are timezone-aware datetimes in UTC.
A field that is None says that the kind does not have it or that it can't be known; the default of
every other field is what the API server means when it leaves the field out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

from msgspec import Struct, field

from chaosd.core.leaderless import EtcdCost
from chaosd.core.model import WorkloadKey
from chaosd.core.selector import Selector

Texts = Mapping[str, str]

CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
DRAIN_TAINT = "chaosd.io/drain"
HELPER_LABEL = "chaosd.io/helper"
"""On every helper pod, which is nobody's victim."""
LONG_SINCE = datetime(1970, 1, 1, tzinfo=UTC)


class Phase(StrEnum):
    """A pod's ``status.phase``."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    UNKNOWN = "Unknown"


class WorkloadFacts(Struct, frozen=True, kw_only=True):
    """A workload of any kind: the topmost owner of pods inside ``apps`` and ``batch``, a bare pod
    (kind ``Pod``), or the owner of somebody's own kind (which itself may be unreadable).

    - ``selector`` finds its pods; None: they can't be listed by a selector (a CronJob, a bare pod).
    - ``template_labels``, ``template_annotations`` and ``priority_class`` are those of the pod
      template. A bare pod's are its own; of a kind of somebody's own, those of one of its pods.
    - ``observed_generation`` None: the kind's status has none (Job, CronJob, Pod, own kinds).
    - ``desired`` is how many pods it wants at this moment: ``spec.replicas`` (1 when absent);
      a DaemonSet's ``desiredNumberScheduled``; a Job's :func:`job_desired`; a bare pod's 1. None:
      not known from the object itself (a CronJob until its Jobs are read; own kinds).
    - ``replicas`` is how many pods it has (``status.replicas``, ``currentNumberScheduled``, a Job's
      ``active``), ``ready``, ``updated`` and ``available`` how many of them are so. None: the kind
      does not say.
    - ``partition`` is a StatefulSet's ``rollingUpdate.partition``; ``current_revision`` and
      ``update_revision`` are its status'.
    - ``finished``: a Job that is Complete or Failed (or about to be: SuccessCriteriaMet,
      FailureTarget), a CronJob without an active Job. ``suspended``: ``spec.suspend`` of these
      (a CronJob's keeps only new Jobs from starting).
    """

    key: WorkloadKey
    uid: str = ""
    created: datetime
    labels: Texts = field(default_factory=dict)
    annotations: Texts = field(default_factory=dict)
    template_labels: Texts = field(default_factory=dict)
    template_annotations: Texts = field(default_factory=dict)
    priority_class: str = ""
    selector: Selector | None = None
    deleting: bool = False
    generation: int = 0
    observed_generation: int | None = None
    desired: int | None = None
    replicas: int | None = None
    ready: int | None = None
    updated: int | None = None
    available: int | None = None
    min_ready_seconds: int = 0
    partition: int = 0
    current_revision: str = ""
    update_revision: str = ""
    finished: bool = False
    suspended: bool = False


class Owner(Struct, frozen=True):
    """The owner reference of a pod that says ``controller: true``."""

    kind: str
    name: str
    uid: str
    api_version: str = ""


class ContainerFacts(Struct, frozen=True):
    """A container as the pod's spec asks for it; ``command`` is its command, then its args.

    ``id`` is the status' ``containerID`` (``containerd://...``) of the one that runs, "" for none.
    ``exit_code`` and ``message`` are those of ``state.terminated``; None while it has not ended.
    """

    image: str = ""
    command: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    name: str = ""
    id: str = ""
    exit_code: int | None = None
    message: str = ""


class Resources(Struct, frozen=True):
    """What a pod requests or a node can give: CPU in thousandths, memory in bytes, pods."""

    cpu: int = 0
    memory: int = 0
    pods: int = 0


class Taint(Struct, frozen=True):
    """A node's taint; ``effect`` is NoSchedule, PreferNoSchedule or NoExecute."""

    key: str
    value: str = ""
    effect: str = ""


class Toleration(Struct, frozen=True):
    """A pod's toleration; ``operator`` is Equal or Exists, an empty ``effect`` means all."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""


class PodFacts(Struct, frozen=True, kw_only=True):
    """A pod.

    ``ready`` and ``ready_since`` are the status and ``lastTransitionTime`` of its Ready condition;
    ``owner`` None: no controller owns it. ``containers`` holds its containers and its sidecars
    (init containers with ``restartPolicy: Always``). ``requests`` is what the scheduler counts.
    ``empty_dirs`` and ``host_paths`` name its volumes of these kinds (an emptyDir in memory is
    none), ``claims`` its PersistentVolumeClaims.
    ``ips`` are its addresses (its node's, in the host's network), ``host_ip`` is its node's.
    """

    namespace: str
    name: str
    uid: str
    resource_version: str
    created: datetime
    labels: Texts = field(default_factory=dict)
    annotations: Texts = field(default_factory=dict)
    phase: str = Phase.UNKNOWN
    ready: bool = False
    ready_since: datetime | None = None
    deleting: bool = False
    node: str = ""
    owner: Owner | None = None
    priority_class: str = ""
    containers: tuple[ContainerFacts, ...] = ()
    requests: Resources = Resources()
    node_selector: Texts = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    empty_dirs: tuple[str, ...] = ()
    host_paths: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    host_ip: str = ""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def finished(self) -> bool:
        """It ran to its end, well or badly: it counts as nobody's replica any more."""
        return self.phase in (Phase.SUCCEEDED, Phase.FAILED)

    @property
    def mirror(self) -> bool:
        """A static pod's image in the API: deleting it does nothing to the process.

        The kubelet marks it (https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/).
        """
        return "kubernetes.io/config.mirror" in self.annotations or (
            self.owner is not None and self.owner.kind == "Node"
        )


class NamespaceFacts(Struct, frozen=True):
    """A namespace."""

    name: str
    labels: Texts = field(default_factory=dict)


class NodeFacts(Struct, frozen=True):
    """A node; ``ready`` is the status of its Ready condition (``Unknown`` is not ready).

    ``boot_id`` changes when the machine starts anew; ``provider_id`` names its instance at a cloud
    (``aws:///eu-west-1a/i-0abc``), "" where no cloud says so. ``addresses`` are its IPs and host
    names.
    """

    name: str
    ready: bool = False
    labels: Texts = field(default_factory=dict)
    deleting: bool = False
    uid: str = ""
    resource_version: str = ""
    created: datetime = LONG_SINCE
    annotations: Texts = field(default_factory=dict)
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()
    allocatable: Resources = Resources()
    boot_id: str = ""
    provider_id: str = ""
    addresses: tuple[str, ...] = ()

    @property
    def control_plane(self) -> bool:
        """Whether it runs the cluster's own control plane, by its labels (kubeadm's)."""
        return any(key in self.labels for key in CONTROL_PLANE)

    @property
    def drained_by(self) -> str:
        """The intent whose taint of ours it carries; "" for none."""
        return next((taint.value for taint in self.taints if taint.key == DRAIN_TAINT), "")


class Placed(Struct, frozen=True):
    """A pod that has a node, as far as the room on nodes is concerned."""

    node: str
    requests: Resources


class BudgetFacts(Struct, frozen=True, kw_only=True):
    """A PodDisruptionBudget of policy/v1; ``selector`` None selects no pod, an empty one all.

    ``disrupted_pods`` names the pods whose eviction the API server granted and whose end the
    disruption controller has not seen yet.
    """

    namespace: str
    name: str
    selector: Selector | None
    disruptions_allowed: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    expected_pods: int = 0
    generation: int = 0
    observed_generation: int = 0
    disrupted_pods: frozenset[str] = frozenset()
    unhealthy_pod_eviction_policy: str = ""


class Own(Struct, frozen=True):
    """chaosd's own pods, which are nobody's victims; empty when it runs outside the cluster."""

    namespace: str = ""
    pods: frozenset[str] = frozenset()


class Recovery(Struct, frozen=True):
    """How far a struck workload is: ``whole`` again, or ``closed`` because it was deleted,
    finished or scaled to zero; ``ready`` of ``desired`` pods. ``costs`` is what it cost each etcd
    cluster that it touched, by name."""

    whole: bool
    closed: bool = False
    ready: int = 0
    desired: int = 0
    detail: str = ""
    costs: Mapping[str, EtcdCost] = field(default_factory=dict)


def job_desired(parallelism: int, completions: int | None, succeeded: int, active: int) -> int:
    """How many pods a Job wants to run at this moment.

    ``parallelism``, but no more than the completions that are left; without ``completions`` (a work
    queue) no new pod is made once one has succeeded, so what is active is wanted.
    Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/#controlling-parallelism
    """
    if completions is not None:
        return max(0, min(parallelism, completions - succeeded))
    return min(active, parallelism) if succeeded else parallelism
