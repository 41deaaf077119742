"""What a helper pod was told: its container's arguments, read as its program reads them.

chaosd's helper pods are labelled ``chaosd.io/helper: reboot|crash|killProcess``. Nothing runs
inside a pod of the sandbox, so its kubelets do what the program would do, and end the pod as the
program would: with 2 for arguments that make no sense, 3 for what is not as it was told, 4 for a
victim that is gone.
"""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from chaosd.sandbox.objects import Json, labels_of, stamp

HELPER = "chaosd.io/helper"
MALFORMED, REFUSED, GONE = 2, 3, 4
EARLY = timedelta(seconds=5)
_LAST_PORT = 65535
_IDENTITIES = {"reboot": "--boot-id", "crash": "--container-id", "kill": "--boot-id"}


class Ended(Exception):
    """The program ends without having struck; the message goes into the container's status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Order:
    """What to strike: the boot ID of this machine, or the bare ID of a container on it. A ``kill``
    is about the process ``program`` that listens on the TCP ``port`` of the machine."""

    action: str
    identity: str
    not_before: datetime
    not_after: datetime
    program: str = ""
    port: int = 0

    def check_time(self, now: datetime) -> None:
        """Raise Ended when it is too early or too late."""
        if now < self.not_before - EARLY:
            early = f"the order is for {stamp(self.not_before)} on"
            raise Ended(REFUSED, f"it is {stamp(now)} here, and {early}")
        if now > self.not_after:
            late = f"too late: it was until {stamp(self.not_after)}"
            raise Ended(REFUSED, f"it is {stamp(now)} here, {late}")


def is_helper(pod: Json) -> bool:
    """Whether the kubelet has to play this pod's program."""
    return labels_of(pod).get(HELPER) in ("reboot", "crash", "killProcess")


def order_of(pod: Json) -> Order:
    """The order that a helper pod was given; raises Ended."""
    containers = pod["spec"].get("containers") or []
    arguments = (containers[0].get("args") or []) if containers else []
    parser = _Parser(allow_abbrev=False)
    actions = parser.add_subparsers(dest="action", required=True)
    for action, option in _IDENTITIES.items():
        one = actions.add_parser(action, allow_abbrev=False)
        if action == "kill":
            one.add_argument("--program", required=True)
            one.add_argument("--port", required=True)
        one.add_argument(option, dest="identity", required=True)
        one.add_argument("--not-before", required=True)
        one.add_argument("--not-after", required=True)
    read = parser.parse_args([str(argument) for argument in arguments])
    identity = read.identity.lower().rpartition("://")[2]
    first, last = _time(read.not_before), _time(read.not_after)
    if read.action != "kill":
        return Order(read.action, identity, first, last)
    return Order(read.action, identity, first, last, read.program, _port(read.port))


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Ended(MALFORMED, message)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) <= _LAST_PORT):
        raise Ended(MALFORMED, f"--port: {text!r} is no TCP port, like 2380")
    return int(text)


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Ended(MALFORMED, f"{text!r} is no time like 2026-01-31T09:00:00Z")
    return found
