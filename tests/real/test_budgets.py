"""What the disruption controller does in its own time, which is minutes."""

from __future__ import annotations

import pytest

from tests.contract.manifests import budget, deployment
from tests.contract.site import Site
from tests.support.waiting import until

GIVEN_UP_AFTER = 120
"""Seconds for which the controller believes that an evicted pod will still go."""


@pytest.mark.timeout(300)
def test_a_burnt_budget_comes_back(real: Site) -> None:
    """Two minutes after an eviction that only spent it, the controller takes the allowance back."""
    place = real.namespace()
    place.workload("deployments", deployment("web", 3))
    place.budget(budget("web", minAvailable=2), 3)
    name = place.pod()["metadata"]["name"]
    assert place.evict(name, {"preconditions": {"uid": "another"}}).status == 409
    assert place.evict(name).status == 429
    burnt = place.budget_when("web", disruptionsAllowed=0)
    assert list(burnt["disruptedPods"]) == [name]

    def back() -> bool:
        item = place.get("poddisruptionbudgets", "web") or {}
        return bool(item["status"]["disruptionsAllowed"] == 1)

    until(back, seconds=2 * GIVEN_UP_AFTER)
    assert "disruptedPods" not in place.budget_when("web", disruptionsAllowed=1)
    assert place.evict(name).status == 201
