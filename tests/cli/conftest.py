"""The shop that commands are given to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A cluster of its own for each test."""
    made = Shop(tmp_path)
    with made.server:
        made.server.kubeconfig(made.kubeconfig)
        yield made
