"""What a cloud says of a node's machine."""

from __future__ import annotations

from enum import StrEnum


class Machine(StrEnum):
    """``going`` once its end has begun, ``gone`` when it has ended or nobody knows it any more."""

    RUNNING = "running"
    GOING = "going"
    GONE = "gone"
