"""Ends what tests have started when they can't do it any more: killed, crashed, out of time.

A process of its own. Each line of its input is ``+ PID`` (a process group that it has to end),
``- PID`` (which has ended) or ``rm FOLDER``. The input ends however the tests end, because the
system closes the pipe: then the groups that are left are killed, and the folders removed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Self


class Keeper:
    """The tests' end of the pipe."""

    def __init__(self) -> None:
        # A session of its own: Ctrl-C in the terminal is for the tests, not for their keeper.
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, text=True, start_new_session=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def started(self, pid: int) -> None:
        """A process group to look after."""
        self._say(f"+ {pid}")

    def ended(self, pid: int) -> None:
        """Its leader has ended and was waited for: the number may be another's soon."""
        self._say(f"- {pid}")

    def remove(self, folder: Path) -> None:
        """A folder to remove at the end."""
        self._say(f"rm {folder}")

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


def keep(lines: IO[str]) -> None:
    """The keeper's end of the pipe."""
    groups: set[int] = set()
    folders: list[str] = []
    for line in lines:
        command, _, argument = line.rstrip("\n").partition(" ")
        if command == "rm":
            folders.append(argument)
        elif command == "+":
            groups.add(int(argument))
        else:
            groups.discard(int(argument))
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    keep(sys.stdin)
