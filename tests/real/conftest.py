"""What the tests on a real control plane share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.site import Site
from tests.contract.sites import real_site
from tests.real.control_plane import ControlPlane
from tests.real.shop import Shop


@pytest.fixture(scope="session")
def real(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The control plane as the contract sees it, with nodes."""
    with real_site(control_plane, tmp_path_factory.mktemp("real")) as site:
        yield site


@pytest.fixture
def shop(real: Site, control_plane: ControlPlane, tmp_path: Path) -> Shop:
    """Workloads that opted in, one that did not, and a configuration."""
    return Shop(real, control_plane, tmp_path)
