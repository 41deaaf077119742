"""The helper pod: a privileged pod that strikes on a node, once, and only what it was told.

It restarts the machine (``reboot``), kills the main process of a container (``crash``) or the one
process that serves a port of the host (``killProcess``), which the API can't. Making the pod is the
step's one request; the program inside (``chaosd.helper``) then strikes or refuses by itself, and a
later look tells which.

A helper can't strike twice, however often it runs. There is one pod for each intent, by its name,
and ``restartPolicy: Never``; a kubelet that lost the container's status (as after a hard reset) may
run it again all the same, and a request to make it may arrive late, after the pod was deleted. But
what it was told exists once: a machine that has restarted has another boot ID, and a container that
was killed is never started again, its successor has another ID. A process of the host is struck
only if it is older than the order, and its successor is not. If nothing was struck, the same run
finds its ``not-after`` passed, before which no step is settled as having done nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any, Protocol

from chaosd.core.etcd_model import ETCD
from chaosd.core.facts import HELPER_LABEL, ContainerFacts, PodFacts
from chaosd.core.ledger import Intent, Step, StepState
from chaosd.core.model import Helper, StepAction, Victim
from chaosd.ports import (
    Answered,
    Conflict,
    Fenced,
    Forbidden,
    NotSent,
    ServerFault,
    Struck,
)
from chaosd.targets.reads import Reads

INTENT_LABEL = "chaosd.io/intent"
NAME = "chaosd-helper-"

GRACE = timedelta(seconds=30)
"""How long after ``strike_by`` a helper may still strike: its image may have to be pulled. Not so
where a member of etcd falls: what the guard saw must not be older than it has to be."""
MARGIN = timedelta(seconds=20)
"""How long after that it is waited: for a node's clock that is behind, and a status that lags."""

_MACHINES = (StepAction.REBOOT, StepAction.KILL_PROCESS)
"""Steps on a node, told by its boot ID."""


class HelperExit(IntEnum):
    """How the program inside ends, beside 0 (it has struck): as :mod:`chaosd.helper` documents."""

    MALFORMED = 2
    REFUSED = 3
    GONE = 4


class HelperReads(Reads, Protocol):
    """Facts about the cluster, and the ways to make and remove a helper pod."""

    def make_pod(self, namespace: str, manifest: Mapping[str, Any], timeout: float) -> None:
        """Create a pod, once; Conflict: one of that name is there."""
        ...

    def remove_pod(self, namespace: str, name: str, uid: str) -> None:
        """Delete that very pod, without waiting; one that is gone is as good."""
        ...


def helper_name(intent_id: str) -> str:
    """The name of an intent's helper pod."""
    return NAME + intent_id


def not_after(intent: Intent, step: Step) -> datetime:
    """When a step's helper refuses from then on: not later than its window lets it begin."""
    latest = step.strike_by if _of_etcd(intent) else step.strike_by + GRACE
    return min(latest, intent.window_until) if intent.window_until else latest


def _of_etcd(intent: Intent) -> bool:
    return any(lock.startswith(f"{ETCD}/") for lock in intent.locks)


def helper_pod(intent: Intent, step: Step) -> dict[str, Any]:
    """The manifest of the helper pod of a step (REBOOT, CRASH or KILL_PROCESS).

    Its victim's ``identity`` is the boot ID or the container ID; that of a KILL_PROCESS is a node,
    with ``container`` as :func:`process_of` reads it. Raises ValueError when the intent or step
    can't have a helper.
    """
    helper, victim = intent.helper, step.victim
    node = victim.name if victim.kind == "Node" else victim.node
    told = _told(step)
    if helper is None or not told or not node or not victim.identity:
        raise ValueError(f"no helper pod can {step.action} {victim}")
    arguments = [
        *told,
        "--not-before",
        _rfc3339(step.reserved_at),
        "--not-after",
        _rfc3339(not_after(intent, step)),
    ]
    labels = {HELPER_LABEL: str(step.action), INTENT_LABEL: intent.id}
    manifest = pod_manifest(helper, helper_name(intent.id), labels, arguments)
    manifest["spec"]["nodeName"] = node
    return manifest


def process_of(victim: Victim) -> tuple[str, str] | None:
    """The program and the port of a process of the host, which the victim's ``container`` gives
    like ``etcd:2380``; None when it doesn't."""
    program, _, port = victim.container.rpartition(":")
    return (program, port) if victim.kind == "Node" and program and port.isdecimal() else None


def _told(step: Step) -> list[str]:
    """What the program is to do and to whom; [] for a step that it can't do."""
    victim = step.victim
    match step.action:
        case StepAction.REBOOT:
            return ["reboot", "--boot-id", victim.identity]
        case StepAction.CRASH:
            return ["crash", "--container-id", victim.identity]
        case StepAction.KILL_PROCESS if process := process_of(victim):
            program, port = process
            return ["kill", "--program", program, "--port", port, "--boot-id", victim.identity]
    return []


def pod_manifest(
    helper: Helper, name: str, labels: Mapping[str, str], arguments: Sequence[str]
) -> dict[str, Any]:
    """A helper pod of that name, told ``arguments``; it is on no node yet."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": helper.namespace,
            "labels": {"app.kubernetes.io/name": "chaosd-helper", **labels},
        },
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": 60,
            "terminationGracePeriodSeconds": 1,
            "hostPID": True,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "tolerations": [{"operator": "Exists"}],
            "containers": [_container(helper.image, arguments)],
        },
    }


def strike(reads: HelperReads, intent: Intent, step: Step, timeout: float) -> Struck:
    """Make the step's helper pod, once; Struck(None): it is under way, and :func:`fence` tells.

    Raises Unanswered and ServerFault when it may have been made.
    """
    try:
        manifest = helper_pod(intent, step)
        reads.make_pod(manifest["metadata"]["namespace"], manifest, timeout)
    except Conflict:
        return Struck(None, f"helper pod {helper_name(intent.id)} is there already")
    except ServerFault:
        raise
    except (Answered, NotSent, ValueError) as error:
        return Struck(StepState.FAILED, f"no helper pod was made: {error}")
    return Struck(None, f"helper pod {helper_name(intent.id)} was made")


def fence(reads: HelperReads, intent: Intent, step: Step, now: datetime) -> Fenced:
    """What became of a step that a helper pod strikes (Target.fence of such steps).

    The deed itself counts first, whoever did it. Else the helper tells how it ended. What neither
    tells is open until no helper would strike any more (``not-after`` and a margin) and its pod,
    deleted then, is gone: so nothing happened. A victim that isn't Ready by then is taken to be
    struck, which is the safe side: a machine that doesn't come back, a node that nobody can ask.
    The pod is deleted as soon as the outcome is known. Sent again it does no harm; raises
    CallFailed when it could not be seen.
    """
    if intent.helper is None:
        return Fenced(StepState.FAILED, "no helper pod was made: none is configured")
    pod = reads.pod(intent.helper.namespace, helper_name(intent.id))
    late = now > not_after(intent, step) + MARGIN
    deed, ready = _look(reads, step)
    fenced = Fenced(StepState.KILLED, deed) if deed else _by_end(pod, step, late)
    if fenced is None and late:
        fenced = _by_silence(pod, step, ready)
    if pod is not None and not pod.deleting and (fenced or late):
        _remove(reads, pod)
    return fenced or Fenced(None)


def _look(reads: Reads, step: Step) -> tuple[str, bool]:
    """What shows that the victim was struck ("" for nothing), and whether it is Ready.

    A process of the host that was killed shows nowhere; when its machine went down, it did too.
    """
    victim = step.victim
    if step.action in _MACHINES:
        node = reads.node(victim.name)
        if node is None or node.uid != victim.uid:
            return "the node is gone", False
        if node.boot_id != victim.identity:
            return f"the machine has restarted: boot ID {node.boot_id}", node.ready
        return "", node.ready
    pod = reads.pod(victim.namespace, victim.name)
    if pod is None or pod.uid != victim.uid:
        return "the pod is gone", False
    mine = next((one for one in pod.containers if one.name == victim.container), None)
    if mine is not None and mine.id != victim.identity:
        state = f"runs as {mine.id} now" if mine.id else "has ended"
        return f"container {victim.container} {state}", pod.ready
    return "", pod.ready


def _by_end(pod: PodFacts | None, step: Step, late: bool) -> Fenced | None:
    """What the helper said as it ended.

    One that found its victim gone may be the second run of one that had struck: then the deed
    will show soon.
    """
    if pod is None:
        return None
    ended = next((one for one in pod.containers if one.exit_code is not None), ContainerFacts())
    said = ended.message.strip() or f"the helper pod {pod.phase}"
    match ended.exit_code:
        case 0:
            return Fenced(StepState.KILLED, said)
        case HelperExit.REFUSED:
            return Fenced(StepState.REFUSED, said)
        case HelperExit.MALFORMED:
            return Fenced(StepState.FAILED, said)
        case HelperExit.GONE if late:
            return Fenced(StepState.REFUSED, said)
    if late and pod.finished:
        return Fenced(StepState.FAILED, f"{said}, and {_nothing(step)}")
    return None


def _by_silence(pod: PodFacts | None, step: Step, ready: bool) -> Fenced | None:
    """What is to be made of a helper that was not heard of in time; None: it may still run."""
    if not ready:
        detail = f"{step.victim} is not Ready, and its helper was not heard of: taken to be struck"
        return Fenced(StepState.KILLED, detail)
    if pod is None:
        return Fenced(StepState.FAILED, f"no helper pod is there, and {_nothing(step)}")
    return None


def _nothing(step: Step) -> str:
    if step.action is StepAction.KILL_PROCESS:
        return "nothing shows that anything was struck"
    return "nothing was struck"


def _remove(reads: HelperReads, pod: PodFacts) -> None:
    """Delete the helper pod. It has ended or refuses from now on, so a right that is missing is no
    reason to wait."""
    with suppress(Forbidden):
        reads.remove_pod(pod.namespace, pod.name, pod.uid)


def _container(image: str, arguments: Sequence[str]) -> dict[str, Any]:
    return {
        "name": "helper",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-m", "chaosd.helper"],
        "args": list(arguments),
        "securityContext": {
            "privileged": True,
            "runAsUser": 0,
            "runAsGroup": 0,
            "runAsNonRoot": False,
            "readOnlyRootFilesystem": True,
        },
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "resources": {
            "requests": {"cpu": "10m", "memory": "32Mi"},
            "limits": {"memory": "64Mi"},
        },
    }


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
