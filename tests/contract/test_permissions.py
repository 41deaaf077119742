"""Asking what one may do."""

from __future__ import annotations

import pytest

from chaosd.kube.permissions import Need, missing
from tests.contract.site import Place, Site


def need(resource: str, *verbs: str, group: str = "", namespace: str | None = None) -> Need:
    return Need(group, resource, verbs, "tests", namespace)


def test_who_may_do_everything_misses_nothing(place: Place) -> None:
    """In a namespace, in all of them, and for kinds in none."""
    wanted = [
        need("pods", "get", "list", "delete", namespace=place.name),
        need("pods/eviction", "create"),
        need("nodes", "get", "list"),
        need("deployments", "list", group="apps"),
    ]
    assert missing(place.admin.api, wanted) == []


@pytest.mark.parametrize(
    ("verb", "resource"),
    [("delete", "pods"), ("create", "pods/eviction"), ("patch", "pods/status")],
)
def test_what_is_missing_is_named(site: Site, verb: str, resource: str) -> None:
    """Only the verb that is missing, wherever it is asked for."""
    with site.without(verb, resource) as caller:
        for namespace in (None, "default"):
            one = need(resource, "get", verb, namespace=namespace)
            assert [found.verbs for found in missing(caller.api, [one])] == [(verb,)]


def test_nobody_may_ask(site: Site) -> None:
    """Without credentials even the question is forbidden."""
    body = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    assert site.anonymous.call("POST", path, body).status == 403
    answer = site.admin.call("POST", path, body)
    assert answer.status == 201
    assert answer.json["kind"] == "SelfSubjectAccessReview"
    assert answer.json["status"]["allowed"] is True


def test_a_question_without_a_subject(site: Site) -> None:
    """A review of nothing is refused."""
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    assert site.admin.call("POST", path, {"spec": {}}).status == 422
