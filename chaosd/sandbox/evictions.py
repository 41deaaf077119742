"""The Eviction API with its PodDisruptionBudgets, step by step as the API server does it.

The order matters and is kept: the budget is spent first, the pod is deleted afterwards; so a
precondition that fails has already cost the budget.
https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
"""

from __future__ import annotations

from dataclasses import replace

from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.deletes import DeleteOptions, check_preconditions, delete_object
from chaosd.sandbox.errors import ApiError, bad_request, not_found, too_many_requests
from chaosd.sandbox.objects import (
    Json,
    find_condition,
    is_deleting,
    is_finished,
    is_ready,
    labels_of,
    set_condition,
    stamp,
    thaw,
)
from chaosd.sandbox.selectors import matches_labels, parse_label_selector
from chaosd.sandbox.targets import Target

PDBS = "poddisruptionbudgets.policy"
WOULD_VIOLATE = "Cannot evict pod as it would violate the pod's disruption budget."
MORE_THAN_ONE = (
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
    "support."
)


def evict(cluster: Cluster, target: Target, body: Json, options: DeleteOptions) -> Json:
    """Evict a pod; the Status of a success. Raises the API error of a refusal."""
    named = (body.get("metadata") or {}).get("name", target.name)
    if named != target.name:
        raise bad_request("name in URL does not match name in Eviction object")
    pod = cluster.get("pods", target.scope, target.name)
    if pod is None:
        raise not_found(target.resource, target.name)
    if not _ignores_budgets(pod):
        options = _pass_budget(cluster, pod, options)
    _condition_and_delete(cluster, target, pod, options)
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "code": 201,
    }


def budgets_of(cluster: Cluster, pod: Json) -> list[Json]:
    """The PodDisruptionBudgets whose selector matches a pod."""
    found = []
    for budget in cluster.all(PDBS, pod["metadata"]["namespace"]):
        terms = parse_label_selector((budget.get("spec") or {}).get("selector"))
        if terms is not None and matches_labels(terms, labels_of(pod)):
            found.append(budget)
    return found


def _ignores_budgets(pod: Json) -> bool:
    """Terminal, pending and terminating pods disrupt nothing (canIgnorePDB)."""
    phase = (pod.get("status") or {}).get("phase")
    return is_finished(pod) or phase == "Pending" or is_deleting(pod)


def _pass_budget(cluster: Cluster, pod: Json, options: DeleteOptions) -> DeleteOptions:
    """Ask and spend the budget; the options to delete with."""
    budgets = budgets_of(cluster, pod)
    if not budgets:
        return options
    if len(budgets) > 1:
        raise ApiError(500, "", MORE_THAN_ONE)
    budget = budgets[0]
    status = budget.get("status") or {}
    if not is_ready(pod):
        policy = (budget.get("spec") or {}).get("unhealthyPodEvictionPolicy")
        desired = status.get("desiredHealthy", 0)
        enough = status.get("currentHealthy", 0) >= desired > 0
        if policy == "AlwaysAllow" or enough:
            # It must not have become ready since: the version just read becomes a precondition.
            version = options.resource_version or pod["metadata"]["resourceVersion"]
            return replace(options, resource_version=version)
    _spend(cluster, budget, pod, dry_run=options.dry_run)
    return options


def _spend(cluster: Cluster, budget: Json, pod: Json, *, dry_run: bool) -> None:
    """checkAndDecrement. Raises the 429 of a refusal."""
    name = budget["metadata"]["name"]
    status = budget.get("status") or {}
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        cause = f"The disruption budget {name} is still being processed by the server."
        raise too_many_requests(WOULD_VIOLATE, 10, [_cause(cause)])
    if status.get("disruptionsAllowed", 0) == 0:
        raise too_many_requests(WOULD_VIOLATE, 0, [_cause(_refusal(budget))])
    if dry_run:
        return
    copy = thaw(budget)
    now = cluster.now()
    copy["status"]["disruptionsAllowed"] -= 1
    if copy["status"]["disruptionsAllowed"] == 0:
        set_condition(
            copy,
            "DisruptionAllowed",
            "False",
            now,
            reason="InsufficientPods",
            message="",
            observedGeneration=status.get("observedGeneration", 0),
        )
    copy["status"].setdefault("disruptedPods", {})[pod["metadata"]["name"]] = stamp(now)
    cluster.put(PDBS, copy)


def _refusal(budget: Json) -> str:
    name = budget["metadata"]["name"]
    status = budget.get("status") or {}
    condition = find_condition(budget, "DisruptionAllowed")
    if condition and condition["status"] == "False" and condition.get("reason") == "SyncFailed":
        return (
            f"The disruption budget {name} does not allow evicting pods currently because it "
            f"failed sync: {condition.get('message', '')}"
        )
    return (
        f"The disruption budget {name} needs {status.get('desiredHealthy', 0)} healthy pods and "
        f"has {status.get('currentHealthy', 0)} currently"
    )


def _cause(message: str) -> Json:
    return {"reason": "DisruptionBudget", "message": message}


def _condition_and_delete(
    cluster: Cluster, target: Target, pod: Json, options: DeleteOptions
) -> None:
    """Mark the pod as disrupted, then delete it (addConditionAndDeletePod)."""
    check_preconditions(target.resource, pod, options)
    if not options.dry_run:
        copy = thaw(pod)
        set_condition(
            copy,
            "DisruptionTarget",
            "True",
            cluster.now(),
            reason="EvictionByEvictionAPI",
            message="Eviction API: evicting",
            lastProbeTime=None,
        )
        cluster.put("pods", copy)
        # The marking raised the version; the precondition has been checked above.
        options = replace(options, resource_version=None)
    delete_object(cluster, target, options)
