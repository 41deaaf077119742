"""Which namespaces are looked into, and what their labels say."""

from __future__ import annotations

from fnmatch import fnmatchcase

from chaosd.core.eligibility import SYSTEM_NAMESPACE, VETO
from chaosd.core.facts import Texts
from chaosd.core.model import Code, Configuration, Reason, Select
from chaosd.ports import Forbidden
from chaosd.targets.reads import Reads


def is_literal(pattern: str) -> bool:
    """Whether a namespace pattern can only mean itself."""
    return not any(char in pattern for char in "*?[")


def selects_namespace(select: Select, name: str) -> bool:
    """Whether a policy may choose from this namespace."""
    if name == SYSTEM_NAMESPACE:
        return name in select.namespaces
    return not select.namespaces or any(fnmatchcase(name, glob) for glob in select.namespaces)


def may_read(configuration: Configuration, namespace: str) -> bool:
    """Whether this namespace is read at all: in namespaced mode, only those named."""
    return configuration.namespaces is None or namespace in configuration.namespaces


def unread(namespace: str) -> Reason:
    """Why nothing in a namespace is looked at."""
    detail = f"{namespace} is not among the configuration's namespaces"
    return Reason(Code.NAMESPACE_NOT_SELECTED, detail)


def namespace_labels(
    reads: Reads, configuration: Configuration, name: str
) -> Texts | Reason | None:
    """The labels of a namespace, as far as they count; a reason when there is none.

    In namespaced mode only a veto does, and None means that it may not be looked for.
    """
    try:
        found = reads.namespace(name)
    except Forbidden:
        if configuration.namespaces is None:
            raise
        return None
    if found is None:
        return Reason(Code.GONE, f"there is no namespace {name}")
    if configuration.namespaces is None:
        return found.labels
    label = configuration.opt_in.label
    said = found.labels.get(label, "")
    return {label: said} if said.lower() == VETO else {}
