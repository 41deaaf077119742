"""With 15,000 workloads the page stays small: it shows what a person reads, and counts the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from chaosd.cli.stage import Stage
from chaosd.sandbox.bulk import bulk
from tests.browser.stages import staged, status_of
from tests.browser.visit import Visitor, visiting
from tests.support.waiting import until

WORKLOADS, NAMESPACES = 15_000, 50
KILOBYTES = 100
"""What a page may weigh, with everything that it loads."""
_CONFIGURATION = """
cluster: large
dryRun: false
timezone: UTC
windows: {allow: always}
limits: {perHour: 100, perDay: 1000, concurrent: 5}
policies:
"""
_POLICY = """
  - name: team-{number:03}
    target: pod
    action: evict
    schedule: {{meanTimeBetweenKills: 5d, minGap: 12h}}
    select: {{namespaces: [ns-{number:03}]}}
"""
VIEWS = (
    "/",
    "/policies",
    "/policies/team-007",
    "/calendar",
    "/why?target=ns-007/Deployment/app-00007",
)
_PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]"
_MEASURED = f"""
  () => ({{
    paint: {_PAINTED}.startTime,
    bytes: performance.getEntries()
      .filter(one => one.encodedBodySize)
      .reduce((sum, one) => sum + one.encodedBodySize, 0),
    elements: document.querySelectorAll("*").length,
  }})
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A cluster of 15,000 workloads that all opted in, and a policy for each of 50 namespaces."""
    file = tmp_path_factory.mktemp("large") / "chaosd.yaml"
    policies = "".join(_POLICY.format(number=number) for number in range(NAMESPACES))
    file.write_text(_CONFIGURATION + policies)
    stage = staged(file, speed=1)
    bulk(stage.cluster, deployments=WORKLOADS, pods_each=2, namespaces=NAMESPACES, opted_in=1)
    with stage:
        until(lambda: _surveyed(stage) == WORKLOADS, lambda: _surveyed(stage), 170)
        yield stage


def _surveyed(stage: Stage) -> int:
    return sum(sum(one["candidates"].values()) for one in status_of(stage)["policies"])


@pytest.fixture
def visitor(browser: Browser, large: Stage) -> Iterator[Visitor]:
    """Somebody who looks at it."""
    with visiting(browser, large.address) as visitor:
        yield visitor


@pytest.mark.parametrize("view", VIEWS)
def test_a_page_is_small(
    visitor: Visitor, view: str, record_property: Callable[[str, object], None]
) -> None:
    """In bytes and in elements; when it was painted is only told."""
    page = visitor.opened(view)
    page.wait_for_function(f"() => {_PAINTED}")
    found = page.evaluate(_MEASURED)
    told = "{bytes:,} bytes, {elements} elements, first painted after {paint:.0f} ms"
    record_property(view, told.format_map(found))
    assert 0 < found["bytes"] <= KILOBYTES * 1024
    assert found["elements"] <= 3_000
