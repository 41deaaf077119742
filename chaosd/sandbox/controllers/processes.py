"""What the kubelets know of real processes inside pods: start, kill, and how one is."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from chaosd.sandbox.objects import Json


class Life(Enum):
    """How the process of a pod is."""

    STARTING = "starting"
    """It does not answer, yet or any more."""
    READY = "ready"
    ENDED = "ended"
    """It ended by itself, or something outside of the cluster killed it."""


class PodProcesses(Protocol):
    """Real processes that pods stand for. Called while the cluster is locked: nothing may wait."""

    def address(self, pod: Json) -> str:
        """The IP address of a pod that stands for a process; "" for every other pod."""
        ...

    def run(self, pod: Json) -> Life:
        """Start the pod's process, unless that was done; how it is."""
        ...

    def kill(self, pod: Json) -> None:
        """SIGKILL, if it runs; the next :meth:`run` starts it anew. Nothing for other pods."""
        ...


class NoProcesses:
    """There is nothing inside the pods."""

    def address(self, pod: Json) -> str:  # noqa: ARG002
        """No pod has one."""
        return ""

    def run(self, pod: Json) -> Life:
        """Never asked for: no pod has an address."""
        raise NotImplementedError(pod["metadata"]["name"])

    def kill(self, pod: Json) -> None:
        """There is nothing to kill."""
