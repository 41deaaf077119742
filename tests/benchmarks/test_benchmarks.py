"""Each benchmark runs, at a size at which its seconds mean nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from benchmarks import children
from benchmarks.__main__ import BENCHMARKS, NEED_PROC, ONLY_WHEN_NAMED, main
from benchmarks.bench_slot import reads_others
from benchmarks.figures import Figure, missed, number, times
from benchmarks.lab import SMALL, Lab
from benchmarks.timing import HAS_PROC
from chaosd.core.model import WorkloadKey


@pytest.fixture(scope="module")
def measure() -> Iterator[Callable[[str], list[Figure]]]:
    with Lab(SMALL) as lab:
        yield cache(lambda name: list(BENCHMARKS[name](lab)))


@pytest.mark.parametrize("name", [name for name in BENCHMARKS if name not in ONLY_WHEN_NAMED])
def test_it_finds_figures(measure: Callable[[str], list[Figure]], name: str) -> None:
    """Every figure is a number, and those with a baseline say what it is."""
    if name in NEED_PROC and not HAS_PROC:
        pytest.skip("needs Linux's /proc")
    found = measure(name)
    assert found
    assert all(math.isfinite(one.value) for one in found)
    assert all(one.against and one.ratio is not None for one in found if one.baseline)


def test_a_slot_that_names_its_workload_reads_no_other(
    measure: Callable[[str], list[Figure]],
) -> None:
    """This goal is no matter of time, so it holds at every size."""
    found = {one.what.strip(): one for one in measure("slot")}
    assert found["of these, for other workloads"].met
    drawn = found["a slot that draws its workload: requests"].value
    assert found["a slot that names its workload: requests"].value < drawn


@pytest.mark.parametrize(
    ("asked", "others"),
    [
        ("GET /apis/apps/v1/namespaces/shop/deployments/web?", False),
        ("GET /apis/apps/v1/namespaces/shop/deployments/other?", True),
        ("GET /apis/apps/v1/namespaces/shop/deployments?limit=500", True),
        ("GET /apis/apps/v1/deployments?limit=500&labelSelector=a%3Db", True),
        ("GET /api/v1/pods?limit=500&labelSelector=app%3Dweb", True),
        ("GET /api/v1/namespaces/shop/pods?limit=500&labelSelector=app%3Dweb", False),
        ("GET /api/v1/namespaces/shop/pods?limit=500", True),
        ("GET /api/v1/namespaces/shop/pods/web-1?", False),
        ("GET /apis/policy/v1/namespaces/shop/poddisruptionbudgets?limit=500", False),
        ("GET /api/v1/namespaces/shop?", False),
        ("GET /api/v1/namespaces?", False),
        ("GET /api/v1/nodes/node-1?", False),
    ],
)
def test_requests_for_other_workloads_are_told_apart(asked: str, others: bool) -> None:
    """What grows with the cluster is not what a slot of one workload should read."""
    assert reads_others(asked, WorkloadKey("shop", "Deployment", "web")) is others


def test_json_tells_all_figures(capsys: pytest.CaptureFixture[str]) -> None:
    """With the machine, by benchmark; nothing else is printed."""
    code = main(["schedule", "--json"], SMALL)
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"machine", "benchmarks"}
    assert list(told["benchmarks"]) == ["schedule"]
    first = told["benchmarks"]["schedule"][0]
    assert {"what", "value", "unit", "ratio", "met"} <= set(first)
    assert code == (1 if any(one["met"] is False for one in told["benchmarks"]["schedule"]) else 0)


def test_a_child_is_given_arguments_and_its_result_comes_back() -> None:
    """What it returns comes as JSON; what it raises ends it."""
    assert children.run(number, value=1234.5) == "1,234"
    with pytest.raises(RuntimeError, match="exit code 1"):
        children.run(number, value="no number")


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (Figure("a", 1.0, "s"), None),
        (Figure("a", 1.0, "s", at_most=1.0), True),
        (Figure("a", 1.1, "s", at_most=1.0), False),
        (Figure("a", 1.0, "s", 30.0, "b", ratio_at_most=1 / 20), True),
        (Figure("a", 2.0, "s", 30.0, "b", ratio_at_most=1 / 20), False),
    ],
)
def test_goals(figure: Figure, met: bool | None) -> None:
    """At most so much, by value or by ratio; a goal that is missed is named."""
    assert figure.met is met
    assert bool(missed({"x": [figure]})) is (met is False)


@pytest.mark.parametrize(
    ("ratio", "said"),
    [(None, ""), (1.0, "1 x"), (2.345, "2.35 x"), (0.75, "0.75 x"), (1 / 24, "1/24"), (0.0, "0 x")],
)
def test_ratios_are_said_as_people_do(ratio: float | None, said: str) -> None:
    """Twice as much, or a 24th."""
    assert times(ratio) == said
