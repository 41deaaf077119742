"""The benchmarks of a real API server run, at a size at which their seconds mean nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from benchmarks.bench_real import CONSTANT, smaller
from benchmarks.lab import SMALL, Lab
from benchmarks.stock import WAYS
from tests.real.control_plane import require_binaries


def test_each_way_of_opting_in_is_measured(tmp_path: Path) -> None:
    """On a store of its own; decisions and daemons end as dry runs."""
    require_binaries()
    with Lab(replace(SMALL, real_store=tmp_path)) as lab:
        found = list(smaller(lab))
    assert all(math.isfinite(one.value) for one in found)
    for way in WAYS:
        assert any(way.name in one.what and "a decision: CPU" in one.what for one in found)
    assert any("nodes: a decision: CPU" in one.what for one in found)
    others = [one.value for one in found if one.what.strip() == "requests: others"]
    assert len(others) == len(WAYS)
    assert all(0 < count <= CONSTANT for count in others)
    (store,) = tmp_path.iterdir()
    assert (store / "filled").exists()
