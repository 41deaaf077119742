"""Which keys of a policy fit its target and its action, and what helper pods need."""

from __future__ import annotations

from collections.abc import Iterator

from chaosd.config import etcd_checks
from chaosd.config.policies import PolicySettings, longest_hold
from chaosd.config.problems import KeyPath
from chaosd.config.validating import Draft
from chaosd.core.duration import render
from chaosd.core.model import Action, TargetKind

_ACTIONS = {
    TargetKind.POD: (Action.EVICT, Action.CRASH),
    TargetKind.NODE: (Action.DRAIN, Action.REBOOT, Action.TERMINATE),
    TargetKind.ETCD: (Action.KILL, Action.MOVE_LEADER),
}
_BY_HELPER = (Action.CRASH, Action.REBOOT)
_OF_PODS = {
    "namespaces": "namespaces",
    "labels": "labels",
    "annotations": "annotations",
    "kinds": "kinds",
    "min_replicas": "minReplicas",
}
_CHOOSE = "nodes are chosen by select.nodes and select.names: remove it"
_REMOVE = "alone: remove it"


def check_helper(draft: Draft) -> None:
    """Report a helper without a place or an image."""
    helper = draft.settings.helper
    if helper is None or not draft.sound("helper"):
        return
    if helper.namespace is None:
        if ("helper",) in draft.places.lines:  # an image from the environment alone asks nothing
            draft.report(
                ("helper", "namespace"),
                "missing: write namespace: chaosd-helper, one of its own that allows privileged "
                "pods, or remove helper",
            )
    elif helper.image is None:
        draft.report(
            ("helper", "image"),
            "missing: write the image that chaosd itself runs from, or set CHAOSD_HELPER__IMAGE",
        )


def check_fit(draft: Draft, path: KeyPath, policy: PolicySettings) -> None:
    """Report the keys of a policy that its target or action has no use for, or can't do without."""
    etcd_checks.check_policy(draft, path, policy)
    if not draft.sound(*path, "target"):
        return
    _check_target(draft, path, policy)
    strangers = [*_strangers(policy), *etcd_checks.strangers(policy)]
    if draft.sound(*path, "action"):
        strangers += _strangers_to_action(policy)
    for where, message in strangers:
        if draft.sound(*path, *where):
            draft.report((*path, *where), message)
    if draft.sound(*path, "action") and _check_action(draft, path, policy):
        _check_hold(draft, path, policy)


def _check_target(draft: Draft, path: KeyPath, policy: PolicySettings) -> None:
    namespaced = draft.settings.namespaces is not None and draft.sound("namespaces")
    if policy.target is TargetKind.NODE and namespaced:
        draft.report(
            (*path, "target"),
            "nodes can't be read in namespaced mode: write target: pod, or remove the key "
            "namespaces",
        )


def _strangers(policy: PolicySettings) -> Iterator[tuple[KeyPath, str]]:
    """Keys that are written and mean nothing here, each with what to do."""
    written, selected = policy.model_fields_set, policy.select.model_fields_set
    if policy.target is TargetKind.NODE:
        for name, key in _OF_PODS.items():
            if name in selected and getattr(policy.select, name):
                yield ("select", key), _CHOOSE
    elif "node" in written:
        yield ("node",), f"goes with target: node {_REMOVE}"


def _strangers_to_action(policy: PolicySettings) -> Iterator[tuple[KeyPath, str]]:
    if "hold" in policy.model_fields_set and policy.action is not Action.DRAIN:
        yield ("hold",), f"goes with action: drain {_REMOVE}"
    if policy.action is not Action.CRASH:
        if policy.container:
            yield ("container",), f"goes with action: crash {_REMOVE}"
    elif policy.grace_period_seconds is not None:
        yield ("gracePeriodSeconds",), "a crash gives no grace: remove it, or write action: evict"


def _check_action(draft: Draft, path: KeyPath, policy: PolicySettings) -> bool:
    """Whether nothing is wrong with the action."""
    target, action, known = policy.target, policy.action, _ACTIONS[policy.target]
    if action not in known:
        fits = next(kind for kind, actions in _ACTIONS.items() if action in actions)
        draft.report(
            (*path, "action"),
            f"{action} is nothing for target: {target}: write {' or '.join(known)}, or "
            f"target: {fits}",
        )
        return False
    helper = draft.settings.helper
    if action in _BY_HELPER and draft.sound("helper") and not (helper and helper.namespace):
        draft.report(
            (*path, "action"),
            f"a {action} takes a helper pod, and there is no helper: write "
            "helper: {namespace: chaosd-helper} at the top, or another action",
        )
    if (
        action is Action.TERMINATE
        and policy.node.control_plane
        and draft.sound(*path, "node", "controlPlane")
    ):
        draft.report(
            (*path, "node", "controlPlane"),
            "nodes of the control plane are never terminated: remove it, or write action: drain "
            "or reboot",
        )
    return True


def _check_hold(draft: Draft, path: KeyPath, policy: PolicySettings) -> None:
    if policy.action is not Action.DRAIN or not draft.sound(*path, "deadline"):
        return
    longest = longest_hold(policy.deadline)
    if policy.hold > longest and draft.sound(*path, "hold"):
        draft.report(
            (*path, "hold"),
            f"{render(policy.hold)} is more than a third of the deadline "
            f"{render(policy.deadline)}, which also has to do for the evictions and the recovery: "
            f"write hold: {render(longest)} or less, or a longer deadline",
        )
