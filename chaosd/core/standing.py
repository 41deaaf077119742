"""How things stand, on the way from the engine to the reports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from chaosd.core.ledger import Halt

__all__ = ["Standing"]


class Standing(Struct, frozen=True):
    """How things stand, as gauges show it.

    ``halted`` goes by source (``command``, ``annotation``, ``configuration``); ``at`` of the last
    two is when this process first saw it.
    ``window_open``, ``dry_run``, ``paused``, ``last_kills`` go by policy; ``limits_left`` by
    policy (empty for all of them together) and limit. ``kill_intervals`` are the seconds of open
    window time between two kills to expect of a policy, known to the leader alone.
    ``ledger_bytes`` is the size of the ledger's text, ``unusable`` why it can't be used,
    ``cluster`` what people call the cluster.
    """

    leading: bool
    configuration_valid: bool
    halted: Mapping[str, Halt] = {}
    paused: Mapping[str, bool] = {}
    window_open: Mapping[str, bool] = {}
    dry_run: Mapping[str, bool] = {}
    last_kills: Mapping[str, datetime] = {}
    limits_left: Mapping[tuple[str, str], int] = {}
    kill_intervals: Mapping[str, float] = {}
    open_intents: int = 0
    unrecovered: int = 0
    ledger_bytes: int = 0
    unusable: str = ""
    cluster: str = ""
    nodes_held: Mapping[str, int] = {}
    held_since: Mapping[str, datetime] = {}
    pods_left: Mapping[str, int] = {}
