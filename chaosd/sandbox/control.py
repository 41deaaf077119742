"""The sandbox's own endpoints below /sandbox/: faults, denials, and what the cluster saw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from chaosd.sandbox.access import Access, Denial, denials_as_json
from chaosd.sandbox.errors import ApiError, bad_request, method_not_allowed
from chaosd.sandbox.faults import Faults, read_rules
from chaosd.sandbox.journal import Journal
from chaosd.sandbox.requests import Request

Answer = tuple[int, bytes]


class Control:
    """GET, POST (add) and DELETE (clear) of each endpoint; never subject to faults."""

    def __init__(self, faults: Faults, access: Access, journal: Journal) -> None:
        self._faults = faults
        self._access = access
        self._journal = journal
        self._reads: dict[str, Callable[[], Any]] = {
            "faults": self._rules,
            "denials": lambda: denials_as_json(access.denials),
            "requests": lambda: journal.requests,
            "removals": lambda: journal.removals,
        }
        self._clears: dict[str, Callable[[], None]] = {
            "faults": faults.clear,
            "denials": access.allow_all,
            "requests": journal.clear,
            "removals": journal.clear,
        }

    def answer(self, request: Request) -> Answer:
        """The answer to a request below /sandbox/."""
        name = request.path.removeprefix("/sandbox/").strip("/")
        try:
            if name not in self._reads:
                served = ", ".join(f"/sandbox/{known}" for known in self._reads)
                raise ApiError(404, "NotFound", f"served here: {served}")
            if request.method == "POST":
                self._add(name, request.body)
            elif request.method == "DELETE":
                self._clears[name]()
            elif request.method != "GET":
                raise method_not_allowed()
            return 200, msgspec.json.encode(self._reads[name]())
        except ApiError as error:
            return error.code, msgspec.json.encode(error.body)

    def _add(self, name: str, body: bytes) -> None:
        if name == "faults":
            self._faults.add(*read_rules(body))
        elif name == "denials":
            try:
                self._access.deny(*msgspec.json.decode(body, type=list[Denial]))
            except msgspec.MsgspecError as error:
                raise bad_request(f"these denials can't be read: {error}") from error
        else:
            raise method_not_allowed()

    def _rules(self) -> list[dict[str, Any]]:
        return [
            {"rule": msgspec.to_builtins(rule), "met": met, "struck": struck}
            for rule, met, struck in self._faults.rules()
        ]
