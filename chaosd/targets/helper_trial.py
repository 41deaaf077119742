"""Before anything begins: which policies need helper pods, and whether one could be made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from chaosd.core.facts import HELPER_LABEL
from chaosd.core.model import Action, Configuration
from chaosd.ports import CallFailed, Forbidden, Invalid, NotFound
from chaosd.targets.helper import NAME, pod_manifest


class Trial(Protocol):
    """A cluster that can be asked whether it would take a pod."""

    def try_pod(self, namespace: str, manifest: Mapping[str, Any]) -> None:
        """Raise CallFailed as making that pod would; nothing is made."""
        ...


def helper_words(cluster: Trial, configuration: Configuration) -> tuple[str, ...]:
    """For people: what live policies need helper pods for, and what is missing; none: they don't.

    Asked by a dry run, which permissions, quotas and admission answer as they would answer a real
    request (https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run).
    """
    helper = configuration.helper
    needing = [
        policy.name
        for policy in configuration.policies
        if policy.action in (Action.CRASH, Action.REBOOT) and not policy.dry_run
    ]
    if helper is None or not needing:
        return ()
    place = f"in namespace {helper.namespace}"
    by = f"Helper pods strike for {', '.join(needing)}: privileged, from image {helper.image}."
    try:
        cluster.try_pod(
            helper.namespace, pod_manifest(helper, NAME + "trial", {HELPER_LABEL: "trial"}, ())
        )
    except CallFailed as error:
        remedy = _remedy(error, helper.namespace)
        return (by, f"NO HELPER POD can be made {place} now, so none strikes: {error}{remedy}")
    return (by, f"A helper pod could be made {place} now.")


def _remedy(error: CallFailed, namespace: str) -> str:
    if isinstance(error, NotFound):
        return f"; make it with: kubectl create namespace {namespace}"
    if isinstance(error, Forbidden) and "PodSecurity" in error.message:
        label = "pod-security.kubernetes.io/enforce=privileged"
        return f"; allow it with: kubectl label namespace {namespace} {label}"
    if isinstance(error, Invalid) and "privileged: Forbidden" in error.message:
        return "; the API server allows no privileged pods at all: start it with --allow-privileged"
    return ""
