"""A client of etcd that writes all the time, and in the end reads every write that was answered."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

PREFIX = "soak/"
_TIMEOUT = 1.0
_PAUSE = 0.02
_PAGE = 2_000


class Writer:
    """Writes ``soak/<n>`` = n for n = 0, 1, 2, ... on a thread of its own.

    A write that is not answered is tried once at each of the others; one that nobody answered may
    or may not be there, and is not counted. ``longest`` is the longest time between two answers.
    """

    def __init__(self, endpoints: Sequence[str]) -> None:
        self._endpoints = list(endpoints)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._client = httpx.Client(timeout=_TIMEOUT, trust_env=False)
        self.answered: list[int] = []
        self.unanswered = 0
        self.longest = 0.0

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._client.close()

    def stop(self) -> None:
        """Write no more."""
        self._stop.set()
        self._thread.join()

    def lost(self) -> list[int]:
        """The answered writes that a linearizable read of all of them does not find."""
        found: set[int] = set()
        key = PREFIX
        while True:
            asked = {"key": _b64(key), "range_end": _b64("soak0"), "limit": _PAGE}
            answer = self._post("kv/range", asked)
            pairs = answer.get("kvs", [])
            for pair in pairs:
                name, value = _text(pair["key"]), _text(pair["value"])
                if name == f"{PREFIX}{int(value):09d}":
                    found.add(int(value))
            if not answer.get("more"):
                return [number for number in self.answered if number not in found]
            key = _text(pairs[-1]["key"]) + "\0"

    def _run(self) -> None:
        number, since = 0, time.monotonic()
        while not self._stop.wait(_PAUSE):
            pair = {"key": _b64(f"{PREFIX}{number:09d}"), "value": _b64(str(number))}
            try:
                self._post("kv/put", pair)
            except httpx.HTTPError:
                self.unanswered += 1
            else:
                self.answered.append(number)
                now = time.monotonic()
                self.longest, since = max(self.longest, now - since), now
            number += 1

    def _post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """The answer of the first member that gives one; the last error when none does."""
        error: httpx.HTTPError = httpx.ConnectError("there are no endpoints")
        for _ in self._endpoints:
            try:
                answer = self._client.post(f"{self._endpoints[0]}/v3/{path}", json=body)
                answer.raise_for_status()
            except httpx.HTTPError as failed:
                error = failed
                self._endpoints.append(self._endpoints.pop(0))
            else:
                decoded: dict[str, Any] = answer.json()
                return decoded
        raise error


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _text(encoded: str) -> str:
    return base64.b64decode(encoded).decode()
