"""What the API server says of itself: the kinds that it offers, and its version."""

from __future__ import annotations

import pytest

from chaosd.kube.offers import too_old
from chaosd.ports import Forbidden
from tests.contract.site import Site


def test_it_is_new_enough(site: Site) -> None:
    """Both of what chaosd looks for are there."""
    assert too_old(site.admin.api) == ""


def test_what_is_looked_for(site: Site) -> None:
    """Budgets in their group, evictions among what core/v1 offers, and a version."""
    budgets = site.admin.ok("GET", "/apis/policy/v1")
    assert (budgets["kind"], budgets["groupVersion"]) == ("APIResourceList", "policy/v1")
    assert "poddisruptionbudgets" in {one["name"] for one in budgets["resources"]}
    core = site.admin.ok("GET", "/api/v1")["resources"]
    [eviction] = [one for one in core if one["name"] == "pods/eviction"]
    assert (eviction["group"], eviction["version"], eviction["kind"]) == (
        "policy",
        "v1",
        "Eviction",
    )
    assert site.admin.ok("GET", "/version")["gitVersion"].startswith("v1.")


def test_a_group_that_is_not_offered(site: Site) -> None:
    """404, as with every path that the server does not know."""
    assert site.admin.call("GET", "/apis/policy/v1alpha9").status == 404
    assert site.admin.call("GET", "/apis/nobody.example/v1").status == 404


def test_anonymous_may_ask_for_the_version_alone(site: Site) -> None:
    """Discovery is for who is signed in: without it, nothing is said to be too old."""
    assert site.anonymous.call("GET", "/version").status == 200
    assert site.anonymous.call("GET", "/apis/policy/v1").status == 403
    assert too_old(site.anonymous.api) == ""


def test_who_is_not_accepted_is_told_nothing(site: Site) -> None:
    """401: that says nothing of the server's age, and has to be asked again."""
    with pytest.raises(Forbidden) as refused:
        too_old(site.stranger.api)
    assert refused.value.status == 401
