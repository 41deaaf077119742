"""The shop that commands are given to, and the signals that they hear."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shop import Shop


@pytest.fixture
def _hears_the_terminal() -> Iterator[None]:
    """As processes of a terminal do, also where the tests were started by nohup, which has SIGHUP
    ignored, or in the background of a script, which has SIGINT ignored."""
    hears: dict[int, Any] = {signal.SIGHUP: signal.SIG_DFL}
    hears[signal.SIGINT] = signal.default_int_handler
    before = {number: signal.signal(number, handler) for number, handler in hears.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A cluster of its own for each test."""
    made = Shop(tmp_path)
    with made.server:
        made.server.kubeconfig(made.kubeconfig)
        yield made
