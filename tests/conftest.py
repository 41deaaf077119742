"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A slow machine is no failure, and a run of CI can be repeated as it was.
settings.register_profile(
    "chaosd",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
    print_blob=True,
)
settings.load_profile("chaosd")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--real``: what needs a real control plane or a real browser runs too."""
    parser.addoption("--real", action="store_true", help="test on a real control plane too")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without it, nothing of tests/real and tests/browser is looked at."""
    real = [Path(__file__).parent / name for name in ("real", "browser")]
    return True if collection_path in real and not config.getoption("--real") else None


@pytest.fixture(scope="session")
def control_plane() -> Iterator[Any]:
    """A :class:`tests.real.control_plane.ControlPlane` for all tests of this process."""
    from tests.real.control_plane import running_control_plane  # noqa: PLC0415

    with running_control_plane() as plane:
        yield plane
