"""Label selectors: the whole language of Kubernetes' ``labelSelector`` query and its object form.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct


class Operator(StrEnum):
    """How a requirement compares; spelled as in a selector's text."""

    EQUALS = "="
    NOT_EQUALS = "!="
    IN = "in"
    NOT_IN = "notin"
    EXISTS = "exists"
    DOES_NOT_EXIST = "!"
    GREATER_THAN = ">"
    LESS_THAN = "<"


class Requirement(Struct, frozen=True):
    """One condition on one label; ``values`` is sorted and has as many as ``operator`` takes."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether ``labels`` meet this condition."""
        raise NotImplementedError


class Selector(Struct, frozen=True):
    """Conditions that must all hold. Without any it is false as a bool, and matches everything.

    ``text`` is in canonical form and can be sent to the API server as ``labelSelector``.
    """

    text: str = ""
    requirements: tuple[Requirement, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.requirements)

    @classmethod
    def parse(cls, text: str) -> Selector:
        """Read ``a=b,c!=d,e in (x,y),f notin (z),g,!h,i>1``.

        Raises:
            ValueError: with what was expected, and at which character.
        """
        raise NotImplementedError

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether ``labels`` meet every condition."""
        raise NotImplementedError


def from_label_selector(selector: Mapping[str, object] | None) -> Selector | None:
    """Read a LabelSelector object (``matchLabels``, ``matchExpressions``).

    None, an absent selector, selects nothing, and so does the None that it gives; an empty object
    selects everything, as the empty Selector does.

    Raises:
        ValueError: the object breaks Kubernetes' rules; the message says where.
    """
    raise NotImplementedError
