"""What the cluster saw: each request, and each pod that somebody removed through the API."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request. `status` None: the connection was lost without an answer."""

    at: datetime
    verb: str
    method: str
    path: str
    query: str
    user_agent: str
    status: int | None
    took_effect: bool
    """Whether the API worked on it (also when its answer was lost or was an error)."""


@dataclass(frozen=True, slots=True)
class Removal:
    """One accepted eviction or delete of a pod, whether or not its answer arrived."""

    at: datetime
    namespace: str
    name: str
    uid: str
    labels: dict[str, str]
    by: Literal["eviction", "delete"]
    dry_run: bool
    already_terminating: bool
    """The pod had a deletionTimestamp before, so nothing new was removed."""
    owner: str
    """`Kind/name` of its controller, "" if it has none."""
    user_agent: str


class Journal:
    """Bounded logs for tests: the cluster's side of the story. Oldest entries go first."""

    def __init__(self, size: int = 50_000) -> None:
        self._lock = threading.Lock()
        self._requests: deque[RequestRecord] = deque(maxlen=size)
        self._removals: deque[Removal] = deque(maxlen=size)

    @property
    def requests(self) -> list[RequestRecord]:
        """Every kept request, oldest first."""
        with self._lock:
            return list(self._requests)

    @property
    def removals(self) -> list[Removal]:
        """Every kept removal, oldest first."""
        with self._lock:
            return list(self._removals)

    def add_request(self, record: RequestRecord) -> None:
        """Keep one."""
        with self._lock:
            self._requests.append(record)

    def add_removal(self, record: Removal) -> None:
        """Keep one."""
        with self._lock:
            self._removals.append(record)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._requests.clear()
            self._removals.clear()
