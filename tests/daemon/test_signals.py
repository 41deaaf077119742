"""Signals that ask for an end, wherever they find the process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from chaosd.daemon.run import run_daemon
from chaosd.daemon.signals import Shutdown, heed, heeded
from tests.daemon.site import Site
from tests.support.waiting import PATIENCE

BURST = 2000


class Signalled:
    """A signal comes while this is finalized, where Python swallows what a handler raises."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)


class SignalledEnviron(Mapping[str, str]):
    """An environment that is empty; a signal comes when it is first looked at."""

    def __init__(self) -> None:
        self.signalled = False

    def __getitem__(self, key: str) -> str:
        self._signal()
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        self._signal()
        return iter(())

    def __len__(self) -> int:
        return 0

    def _signal(self) -> None:
        if not self.signalled:
            self.signalled = True
            Signalled()


@pytest.fixture
def _own_handlers() -> Iterator[None]:
    """The tests' own are there again afterwards."""
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_nobody_asked() -> None:
    """Then a wait ends when its time is up."""
    shutdown = Shutdown()
    assert not shutdown
    assert not shutdown.wait(0)
    assert not shutdown.wait(0.01)


def test_it_is_remembered() -> None:
    """However often it is looked at."""
    shutdown = Shutdown()
    shutdown.tell(signal.SIGTERM)
    assert [shutdown.wait(0), shutdown.wait(), bool(shutdown)] == [True, True, True]


def test_a_signal_in_a_finalizer() -> None:
    """Is not lost, as an exception would be."""
    shutdown = Shutdown()
    with heeded([signal.SIGTERM], shutdown.tell):
        Signalled()
    assert shutdown


def test_a_burst_of_signals_interrupts_itself_and_the_wait() -> None:
    """Nothing waits for what it has interrupted."""
    shutdown = Shutdown()
    with heeded([signal.SIGTERM], shutdown.tell):
        sender = threading.Thread(target=_send, daemon=True)
        sender.start()
        while sender.is_alive():
            shutdown.wait(0.001)
        sender.join(PATIENCE)
    assert shutdown.wait(0)


@pytest.mark.timeout(30)
def test_a_signal_that_another_thread_gets() -> None:
    """It does not interrupt the wait, and is heard soon for all that."""
    shutdown, waits = Shutdown(), threading.Event()

    def other() -> None:
        waits.wait()
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    with heeded([signal.SIGTERM], shutdown.tell):
        sender = threading.Thread(target=other, daemon=True)
        sender.start()
        waits.set()
        while not shutdown.wait():
            pass
        sender.join(PATIENCE)


def _send() -> None:
    for _ in range(BURST):
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.usefixtures("_own_handlers")
def test_what_is_ignored_goes_on_being_ignored() -> None:
    """As by nohup; and everything is as before when it is over."""
    shutdown = Shutdown()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with heeded([signal.SIGTERM], shutdown.tell):
        signal.raise_signal(signal.SIGTERM)
    assert not shutdown
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    heed([signal.SIGTERM], shutdown.tell)
    signal.raise_signal(signal.SIGTERM)
    assert shutdown


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("_own_handlers")
def test_a_daemon_that_is_asked_before_it_has_started(tmp_path: Path) -> None:
    """Where an exception would be lost: it ends, and has led and written nothing."""
    environ = SignalledEnviron()
    with Site(tmp_path) as site:
        code = run_daemon(
            site.file, listen="127.0.0.1:0", kubeconfig=str(site.kubeconfig), environ=environ
        )
        assert site.cluster.keys("configmaps") == site.cluster.keys("leases") == []
    assert environ.signalled
    assert code == 0
