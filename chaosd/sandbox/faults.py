"""Faults on purpose: what can go wrong between a client and an API server."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Iterable
from typing import Literal

import msgspec

from chaosd.sandbox.errors import bad_request


class ConnectionLost(Exception):
    """The connection ended without an answer, before or after the request took effect."""

    def __init__(self, *, before_effect: bool, reset: bool = False) -> None:
        when = "before" if before_effect else "after"
        super().__init__(f"connection lost {when} the request took effect")
        self.before_effect = before_effect
        self.reset = reset


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One fault, and the requests that meet it.

    `do`:
      lost     the connection is closed without an answer
      reset    the same with a TCP reset
      delay    the answer comes `seconds` later (on the cluster's clock); longer than the request's
               `?timeout=` it becomes 504
      status   the answer is an error of `status` (429, 500, 503, ...), with Retry-After if
               `retry_after` is given
      expired  a list that goes on with a continue token gets 410
      stale    a get or list is answered from the cluster as it was `seconds` ago
    `when` says whether lost, reset, delay and status strike before or after the request took
    effect. A rule meets requests whose verb (get, list, watch, create, update, patch, delete,
    deletecollection; an eviction is a create) is in `verbs` (empty: all) and whose path is found
    by the regular expression `path`. Of those it skips the first `skip`, strikes each with
    `probability`, and stops after `count` strikes (null: never).
    """

    do: Literal["lost", "reset", "delay", "status", "expired", "stale"]
    when: Literal["before", "after"] = "before"
    verbs: tuple[str, ...] = ()
    path: str = ""
    skip: int = 0
    probability: float = 1.0
    count: int | None = None
    seconds: float = 0.0
    status: int = 503
    retry_after: int | None = None


class _State:
    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.path = re.compile(rule.path)
        self.met = 0
        self.struck = 0


class Faults:
    """The rules in force. `seed` decides the ones with a probability."""

    def __init__(self, rules: Iterable[Rule] = (), seed: int | str = 0) -> None:
        self._lock = threading.Lock()
        self._rng = random.Random(f"faults/{seed}")
        self._states = [_State(rule) for rule in rules]

    def add(self, *rules: Rule) -> None:
        """Put more rules in force, after the present ones. Raises re.error for a bad path."""
        states = [_State(rule) for rule in rules]
        with self._lock:
            self._states.extend(states)

    def clear(self) -> None:
        """Drop every rule."""
        with self._lock:
            self._states = []

    def rules(self) -> list[tuple[Rule, int, int]]:
        """(rule, requests met, requests struck) of each rule."""
        with self._lock:
            return [(state.rule, state.met, state.struck) for state in self._states]

    def pick(self, verb: str, path: str, *, continued: bool = False) -> Rule | None:
        """The first rule that strikes this request. `continued`: it carries a continue token."""
        with self._lock:
            for state in self._states:
                if self._strikes(state, verb, path, continued):
                    state.struck += 1
                    return state.rule
        return None

    def _strikes(self, state: _State, verb: str, path: str, continued: bool) -> bool:
        rule = state.rule
        if rule.verbs and verb not in rule.verbs:
            return False
        if rule.do == "expired" and not continued:
            return False
        if rule.do == "stale" and verb not in ("get", "list"):
            return False
        if state.path.search(path) is None:
            return False
        if rule.count is not None and state.struck >= rule.count:
            return False
        state.met += 1
        if state.met <= rule.skip:
            return False
        return rule.probability >= 1 or self._rng.random() < rule.probability


def read_rules(body: bytes) -> list[Rule]:
    """Rules from a JSON list. Raises the API error that says what is wrong."""
    try:
        rules = msgspec.json.decode(body, type=list[Rule])
        for rule in rules:
            re.compile(rule.path)
    except (msgspec.MsgspecError, re.error) as error:
        raise bad_request(f"these fault rules can't be read: {error}") from error
    return rules
