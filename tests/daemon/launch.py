"""Two ways to start ``chaosd`` as a process of its own."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from multiprocessing.connection import Connection
from typing import Protocol, TextIO

STACKS = signal.SIGUSR1
"""The signal at which a fork writes what its threads are doing."""
_NOT_OURS = ("CHAOSD_", "KUBE", "POD_", "PYTEST")
_FORKS = multiprocessing.get_context("forkserver")
# What a daemon needs is imported once, in a process that does nothing but fork.
_FORKS.set_forkserver_preload(
    ["chaosd.cli.main", "chaosd.daemon.run", "kubernetes.client", "kubernetes.config"]
)


def environment() -> dict[str, str]:
    """This process's environment, without what would steer a daemon."""
    return {name: text for name, text in os.environ.items() if not name.startswith(_NOT_OURS)}


class Launched(Protocol):
    """A process that was started; ``output`` is what it writes on stdout and stderr."""

    output: TextIO

    def ended(self) -> int | None:
        """The exit code, None while it runs; minus a signal's number if one killed it."""
        ...

    def send(self, number: int) -> None:
        """Send a signal."""
        ...

    def wait(self, seconds: float) -> int:
        """Wait for the end; AssertionError when it does not come."""
        ...


class Executed:
    """A new interpreter, as a shell or the kubelet starts it."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "chaosd.cli.main", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(),
        )
        assert isinstance(self._process.stdout, TextIOWrapper)
        self.output: TextIO = self._process.stdout

    def ended(self) -> int | None:
        return self._process.poll()

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise AssertionError("it did not end") from error


class Forked:
    """A fork of a process that has everything imported: the same program, a second sooner."""

    def __init__(self, arguments: Sequence[str]) -> None:
        reader, writer = _FORKS.Pipe(duplex=False)
        self._process = _FORKS.Process(
            target=_become, args=(tuple(arguments), environment(), writer), daemon=True
        )
        self._process.start()
        writer.close()
        self.output: TextIO = os.fdopen(os.dup(reader.fileno()), encoding="utf-8")
        reader.close()

    def ended(self) -> int | None:
        return self._process.exitcode

    def send(self, number: int) -> None:
        if self._process.is_alive():
            os.kill(self._process.pid or 0, number)

    def wait(self, seconds: float) -> int:
        self._process.join(seconds)
        assert self._process.exitcode is not None, "it did not end"
        return self._process.exitcode


def _become(arguments: Sequence[str], environ: dict[str, str], writer: Connection) -> None:
    """In the fork: be ``chaosd``."""
    from chaosd.cli.main import main  # noqa: PLC0415 - it is there already, in the fork

    for number in (1, 2):
        os.dup2(writer.fileno(), number)
    writer.close()
    os.environ.clear()
    os.environ.update(environ)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    faulthandler.enable()
    faulthandler.register(STACKS)
    sys.argv = ["chaosd", *arguments]
    main()
