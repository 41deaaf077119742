"""Older ledgers, carried over to what this version writes.

One step for each version, from it to the next, so that any older one comes here in turn. A newer
one is never read: what it knows would be lost at the first change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]


def _from_1(document: Json) -> None:
    """Version 2 says of each step what it does; before, the intent's budget mode said it."""
    for section in ("intents", "outcomes"):
        for intent in document[section].values():
            for step in intent.get("steps", ()):
                step["action"] = "delete" if intent.get("pdb") == "bypass" else "evict"


def _from_2(document: Json) -> None:
    """Version 3 counts the kills of days that are past."""
    document["days"] = {}


_STEPS: dict[int, Callable[[Json], None]] = {1: _from_1, 2: _from_2}
OLDEST = min(_STEPS)
SINCE = {"days": 3}
"""The version that brought a section which the first one did not have."""


def upgrade(document: Json, version: int) -> Json:
    """Carry a ledger of version ``document["version"]`` over to ``version``.

    Raises:
        KeyError, TypeError, AttributeError: it has not the shape of its own version.
    """
    while document["version"] < version:
        _STEPS[document["version"]](document)
        document["version"] += 1
    return document
