"""Kubernetes Events: what ``kubectl describe`` shows below a pod or its workload."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chaosd.kube.api import Api
from chaosd.kube.records import Metadata
from chaosd.kube.resources import EVENTS
from chaosd.ports import Conflict, Notice

COMPONENT = "chaosd"
DEFAULT_NAMESPACE = "default"
LONGEST_MESSAGE = 1024


class KubeEvents:
    """Makes core/v1 Events (a :class:`chaosd.ports.Events`).

    ``instance`` is the name of this pod.
    """

    def __init__(self, api: Api, instance: str = "") -> None:
        self._api = api
        self._instance = instance

    def make(self, notice: Notice) -> None:
        """Make the Event; one of that name already there is as good."""
        namespace = notice.namespace or DEFAULT_NAMESPACE
        try:
            self._api.create(EVENTS, namespace, self._event(notice, namespace), Metadata)
        except Conflict as error:
            if error.reason != "AlreadyExists":
                raise

    def _event(self, notice: Notice, namespace: str) -> dict[str, Any]:
        """The body; kubectl finds Events by the involved object's kind, namespace, name and UID.

        https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
        """
        at = _stamp(notice.at)
        return {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {"name": notice.name, "namespace": namespace},
            "involvedObject": {
                "apiVersion": notice.api_version,
                "kind": notice.kind,
                "namespace": notice.namespace,
                "name": notice.object_name,
                "uid": notice.uid,
            },
            "type": "Warning" if notice.warning else "Normal",
            "reason": notice.reason,
            "message": notice.message[:LONGEST_MESSAGE],
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "reportingInstance": self._instance,
        }


def _stamp(at: datetime) -> str:
    """As meta/v1 Time is written: UTC, whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
