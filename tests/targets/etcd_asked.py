"""What tests ask the target and the guard of etcd, and what they do to its members."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from chaosd.core.ledger import Intent, Step
from chaosd.core.model import (
    Action,
    Candidate,
    Examined,
    Impact,
    StepAction,
    TargetKind,
    WorkloadKey,
)
from chaosd.ports import Guarded
from chaosd.sandbox import Rule
from tests.targets.etcd_lab import HELPER, EtcdLab
from tests.targets.helpers import order
from tests.targets.scopes import found

MAIN = "Etcd/main"
KEY = WorkloadKey.parse(MAIN)
MOVE = {"action": Action.MOVE_LEADER}
MEMBER = Impact(pods=("data/etcd-0",))
LOCK = ("Etcd/main",)


# ---- the target


def candidate(member: str = "") -> Candidate:
    return Candidate(f"main/{member}" if member else MAIN, KEY)


def expanded(lab: EtcdLab, **policy: Any) -> dict[str, set[str]]:
    return found(lab.target.expand(lab.scope(**policy), candidate()))


def examined(lab: EtcdLab, member: str = "etcd-1", **policy: Any) -> Examined:
    return lab.target.examine(lab.scope(**policy), candidate(member))


def reserved(lab: EtcdLab, seen: Examined, action: Action = Action.KILL) -> tuple[Intent, Step]:
    """The intent for what was examined, as it is reserved."""
    assert seen.victim is not None
    now = lab.clock.now()
    by = now + timedelta(seconds=10)
    step = Step(1, seen.victim, "chaosd-0", 1, now, by, action=seen.first)
    intent = Intent(
        id="0123456789abcdef0123",
        action_id="etcd/*/x#0",
        policy="etcd",
        target=TargetKind.ETCD,
        action=action,
        workload=MAIN,
        victim=seen.victim,
        reserved_at=now,
        deadline=600.0,
        recover_by=now + timedelta(minutes=10),
        desired=seen.desired,
        locks=seen.impact.locks,
        steps=(step,),
        helper=HELPER,
    )
    return intent, step


def moving(lab: EtcdLab) -> tuple[Intent, Step]:
    return reserved(lab, examined(lab, "etcd-0", **MOVE), Action.MOVE_LEADER)


# ---- the guard


def asked(lab: EtcdLab, impact: Impact, **fields: Any) -> Guarded:
    return lab.guard.object_to(lab.configuration(**fields), impact, lab.clock.now())


def web_pod(lab: EtcdLab) -> str:
    return next(f"shop/{p['metadata']['name']}" for p in lab.cluster.all("pods", "shop"))


def held(lab: EtcdLab, *locks: str) -> Intent:
    """An intent that holds these locks."""
    return order(lab, StepAction.REBOOT, locks=locks)[0]


# ---- ills


def one_down(lab: EtcdLab) -> None:
    lab.etcd.members["etcd-2"].up = False


def two_down(lab: EtcdLab) -> None:
    one_down(lab)
    lab.etcd.members["etcd-1"].up = False


def alarm(lab: EtcdLab) -> None:
    lab.etcd.members["etcd-1"].alarms = ("NOSPACE",)


def lagging(lab: EtcdLab) -> None:
    lab.etcd.leader_id()
    lab.etcd.members["etcd-2"].applied = -5000


def disagreeing(lab: EtcdLab) -> None:
    lab.etcd.members["etcd-1"].lists = ("etcd-0", "etcd-1")


def all_silent(lab: EtcdLab) -> None:
    for member in lab.etcd.members.values():
        member.up = False


def unreadable_servers(lab: EtcdLab) -> None:
    lab.fault(Rule(do="status", status=403, path="/endpointslices$"))


def veto(lab: EtcdLab, plural: str, namespace: str, name: str) -> None:
    with lab.cluster.edit(plural, namespace, name) as item:
        item["metadata"].setdefault("labels", {})["chaosd.io/enabled"] = "False"
