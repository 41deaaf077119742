"""Becomes a program that is killed when the one who started it ends: ``launch.py PID COMMAND...``.

Linux kills the process with the thread that started it (prctl(2), PR_SET_PDEATHSIG; it stays set
across execve(2)). Where there is no prctl, the program is started all the same.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """``parent`` may have ended in the meantime: then nothing is started."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return
    try:
        os.execv(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]} does not start: {error}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
