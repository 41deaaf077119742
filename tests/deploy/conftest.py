"""Tests of what is deployed run when they are asked for: ``make test-deploy``.

They need helm and hadolint, which `make test` does without, and a minute.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.tools import Helm, find

HERE = Path(__file__).parent


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Nothing here is looked at unless the command line names this folder or a file in it."""
    named = [Path(one.partition("::")[0]).resolve() for one in config.args]
    return None if any(one.is_relative_to(HERE) for one in named) else True


@pytest.fixture(scope="session")
def helm() -> Helm:
    """Helm, on the chart."""
    return Helm(find("helm"))
