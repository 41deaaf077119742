"""Why not: the bounded set of reasons for which something is not struck."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Code(StrEnum):
    """Every reason for which something is not killed: bounded, so it can label a metric."""

    # admission: may anything be struck now?
    NOT_LEADING = "notLeading"
    STOPPING = "stopping"
    HALTED = "halted"
    POLICY_PAUSED = "policyPaused"
    CONFIGURATION_INVALID = "configurationInvalid"
    CONFIGURATION_CHANGED = "configurationChanged"
    WINDOW_CLOSED = "windowClosed"
    WINDOW_TOO_SHORT = "windowTooShort"
    LIMIT_PER_HOUR = "limitPerHour"
    LIMIT_PER_DAY = "limitPerDay"
    LIMIT_CONCURRENT = "limitConcurrent"
    CLOCK_SKEW = "clockSkew"
    CLOCK_UNKNOWN = "clockUnknown"
    CLOCK_BACKWARDS = "clockBackwards"
    UNSETTLED_INTENT = "unsettledIntent"
    ALREADY_ATTEMPTED = "alreadyAttempted"
    TOO_LATE = "tooLate"
    LEDGER_UNREADABLE = "ledgerUnreadable"
    LEDGER_CONTENDED = "ledgerContended"
    LEDGER_FULL = "ledgerFull"
    LOCKED = "locked"
    UNREADABLE = "unreadable"
    FORBIDDEN = "forbidden"
    # the workload or pod that was looked at
    NOT_OPTED_IN = "notOptedIn"
    VETOED = "vetoed"
    NAMESPACE_NOT_SELECTED = "namespaceNotSelected"
    SYSTEM_NAMESPACE = "systemNamespace"
    KIND_NOT_SELECTED = "kindNotSelected"
    LABELS_NOT_SELECTED = "labelsNotSelected"
    ANNOTATIONS_NOT_SELECTED = "annotationsNotSelected"
    NAME_NOT_SELECTED = "nameNotSelected"
    NODE_NOT_SELECTED = "nodeNotSelected"
    BAD_ANNOTATION = "badAnnotation"
    TOO_YOUNG = "tooYoung"
    TOO_FEW_REPLICAS = "tooFewReplicas"
    STATUS_STALE = "statusStale"
    ROLLOUT = "rollout"
    NOT_ALL_READY = "notAllReady"
    TERMINATING = "terminating"
    FINISHED = "finished"
    NOT_READY = "notReady"
    NODE_NOT_READY = "nodeNotReady"
    OWN_POD = "ownPod"
    MIRROR_POD = "mirrorPod"
    NO_CONTROLLER = "noController"
    CRITICAL_PRIORITY = "criticalPriority"
    LOOKS_LIKE_ETCD = "looksLikeEtcd"
    DISRUPTION_BUDGET = "disruptionBudget"
    SEVERAL_BUDGETS = "severalBudgets"
    BUDGET_STALE = "budgetStale"
    MIN_GAP = "minGap"
    COOLDOWN = "cooldown"
    UNRECOVERED = "unrecovered"
    GONE = "gone"
    CHANGED = "changed"
    NO_CONTAINER = "noContainer"
    # the node that was looked at
    UNSCHEDULABLE = "unschedulable"
    CONTROL_PLANE = "controlPlane"
    MAX_UNAVAILABLE = "maxUnavailable"
    MIN_NODES = "minNodes"
    LAST_OF_ZONE = "lastOfZone"
    NO_CAPACITY = "noCapacity"
    DO_NOT_DISRUPT = "doNotDisrupt"
    LOCAL_STORAGE = "localStorage"
    NO_PROVIDER = "noProvider"
    NO_HELPER = "noHelper"
    # the etcd cluster that a member would be taken from
    ETCD_UNREADABLE = "etcdUnreadable"
    ETCD_FEW_VOTERS = "etcdFewVoters"
    ETCD_UNHEALTHY = "etcdUnhealthy"
    ETCD_DISAGREES = "etcdDisagrees"
    ETCD_NO_LEADER = "etcdNoLeader"
    ETCD_ALARM = "etcdAlarm"
    ETCD_LAG = "etcdLag"
    ETCD_QUORUM = "etcdQuorum"
    ETCD_DATA = "etcdData"
    ETCD_CONTROL_PLANE = "etcdControlPlane"
    ETCD_ROLE = "etcdRole"
    ETCD_BACKUP = "etcdBackup"
    ETCD_SNAPSHOT = "etcdSnapshot"
    # the draw
    NO_CANDIDATE = "noCandidate"


class Reason(Struct, frozen=True, order=True):
    """Why not: a bounded code, and a detail for the person who reads it."""

    code: Code
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" if self.detail else str(self.code)


Reasons = tuple[Reason, ...]
