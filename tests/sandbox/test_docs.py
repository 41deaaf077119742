"""What docs/sandbox.md shows works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from chaosd.sandbox import Cluster, ManualClock
from chaosd.sandbox.controllers import timings
from chaosd.sandbox.demo import demo
from chaosd.sandbox.faults import Rule, read_rules

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


def test_the_example_runs() -> None:
    """The Python on the page, as it stands there."""
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}
    exec(code.group(1), names)
    assert len(names["response"].json()["items"]) == 4


def test_the_example_of_a_fault_is_one() -> None:
    """The body in the curl call is read."""
    body = re.search(r"curl -d '(.*?)'", PAGE)
    assert body is not None
    expected = Rule(do="lost", when="after", verbs=("create",), path="/eviction$", count=1)
    assert read_rules(body.group(1).encode()) == [expected]


def test_every_annotation_is_explained() -> None:
    """The page has those that there are, and no others."""
    known = {
        timings.SCHEDULE,
        timings.START,
        timings.STOP,
        timings.RUN,
        timings.REBOOT,
        timings.NEVER_READY,
    }
    assert set(re.findall(r"`(sandbox\.chaosd\.io/[a-z-]+)`", PAGE)) == known


@pytest.mark.parametrize(
    ("kind", "ns", "name"),
    [
        ("deployments.apps", "shop", "web"),
        ("deployments.apps", "shop", "api"),
        ("statefulsets.apps", "shop", "cart"),
        ("deployments.apps", "shop", "search"),
        ("daemonsets.apps", "logging", "agent"),
    ],
)
def test_the_demo_is_as_described(kind: str, ns: str, name: str) -> None:
    """Each workload in the table exists, with that many replicas."""
    item = demo(Cluster(ManualClock().now)).get(kind, ns, name)
    assert item is not None
    row = re.search(rf"\| `{ns}/{name}` \| (\w+)(?: of (\d+))?", PAGE)
    assert row is not None
    assert row.group(1).lower() == kind.partition("s.")[0]
    assert row.group(2) in (None, str(item["spec"].get("replicas")))
