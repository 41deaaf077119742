"""Every test of this folder runs on the sandbox; with --real on a real API server too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.site import Place, Site
from tests.contract.sites import real_site, sandbox_site


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One run for each site."""
    if "site" in metafunc.fixturenames:
        names = ["sandbox", "real"] if metafunc.config.getoption("--real") else ["sandbox"]
        metafunc.parametrize("site", names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The cluster to ask."""
    folder = tmp_path_factory.mktemp("site")
    if request.param == "sandbox":
        with sandbox_site(folder) as site:
            yield site
        return
    with real_site(request.getfixturevalue("control_plane"), folder) as site:
        yield site


@pytest.fixture
def place(site: Site) -> Place:
    """A namespace of one's own in it."""
    return site.namespace()
