"""The order that a helper gets in its arguments."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, NoReturn

from chaosd.helper.ends import Malformed

LOG = Path("/dev/termination-log")
"""Where the kubelet reads what a container says as it ends."""
_CONTAINER = re.compile(r"(?:[a-z0-9.+-]+://)?([0-9a-f]{64})")
_BOOT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PROGRAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_IDENTITIES = {
    "reboot": ("--boot-id", "UUID"),
    "crash": ("--container-id", "ID"),
    "kill": ("--boot-id", "UUID"),
}


class Told(NamedTuple):
    """The order: ``identity`` is the boot ID or the bare container ID.

    ``program`` and ``port`` are what a ``kill`` is about.
    """

    action: str
    identity: str
    not_before: datetime
    not_after: datetime
    proc: Path
    log: Path
    program: str = ""
    port: int = 0


def read_order(argv: Sequence[str]) -> Told:
    """The order that the arguments give; raises Malformed."""
    read = _parser().parse_args(argv)
    told = Told(
        read.action,
        _identity(read.action, read.identity),
        _time("--not-before", read.not_before),
        _time("--not-after", read.not_after),
        read.proc,
        read.termination_log,
        *_listener(read),
    )
    if told.not_after <= told.not_before:
        raise Malformed("--not-after has to be later than --not-before")
    return told


def rfc3339(at: datetime) -> str:
    """A time as people read it, to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class _Parser(ArgumentParser):
    """Ends as everything here ends, and takes no option by a part of its name."""

    def __init__(self, **options: str) -> None:
        super().__init__(**options, allow_abbrev=False)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        raise Malformed(message)


def _parser() -> _Parser:
    parser = _Parser(prog="chaosd.helper", description="Strike once, what the arguments name.")
    actions = parser.add_subparsers(dest="action", required=True)
    for action, (option, metavar) in _IDENTITIES.items():
        one = actions.add_parser(action)
        if action == "kill":
            one.add_argument("--program", required=True, metavar="NAME", help="like etcd")
            one.add_argument("--port", required=True, help="the TCP port on which it listens")
        one.add_argument(option, dest="identity", required=True, metavar=metavar)
        for bound in ("--not-before", "--not-after"):
            one.add_argument(bound, required=True, metavar="TIME", help="RFC 3339, UTC")
        one.add_argument("--proc", type=Path, default=Path("/proc"), help="the host's /proc")
        one.add_argument("--termination-log", type=Path, default=LOG)
    return parser


def _identity(action: str, text: str) -> str:
    """The container's or the boot's ID; that of a container may have the runtime in front."""
    lower = text.strip().lower()
    found = (_CONTAINER if action == "crash" else _BOOT).fullmatch(lower)
    if not found:
        wanted = "64 hex digits, like containerd://4f3a..." if action == "crash" else "a UUID"
        raise Malformed(f"{text!r} is not {wanted}")
    return found[found.lastindex or 0]


def _listener(read: Namespace) -> tuple[str, int]:
    if read.action != "kill":
        return "", 0
    if not _PROGRAM.fullmatch(read.program):
        raise Malformed(f"--program: {read.program!r} is no name of a program, like etcd")
    if not _PORT.fullmatch(read.port) or int(read.port) > 65535:
        raise Malformed(f"--port: {read.port!r} is no TCP port, like 2380")
    return read.program, int(read.port)


def _time(option: str, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Malformed(f"{option}: {text!r} is no time like 2026-01-31T09:00:00Z")
    return at.astimezone(UTC)
