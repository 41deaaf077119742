"""Lists: pages, selectors, continue tokens good, bad and expired, and metadata only."""

from __future__ import annotations

import base64

import msgspec
import pytest

from chaosd.kube.errors import PageExpired, error_of
from chaosd.kube.records import Metadata
from chaosd.kube.resources import CONFIG_MAPS, NAMESPACES
from chaosd.kube.transport import Reply
from tests.contract.manifests import Json, config_map
from tests.contract.site import PARTIAL, PARTIAL_LIST, Answer, Place, Site

NAMES = [f"m{number}" for number in range(5)]


@pytest.fixture(scope="module")
def five(site: Site) -> Place:
    """Five ConfigMaps, of which the even ones are labelled."""
    place = site.namespace()
    for number, name in enumerate(NAMES):
        labels = {"parity": "even"} if number % 2 == 0 else None
        place.make("configmaps", config_map(name, labels, number=str(number)))
    return place


def page(place: Place, **query: str) -> Answer:
    """A page of what the test made: newer control planes put a ConfigMap of theirs everywhere."""
    query.setdefault("fieldSelector", "metadata.name!=kube-root-ca.crt")
    return place.admin.call("GET", place.path("configmaps"), **query)


def names(body: Json) -> list[str]:
    return [item["metadata"]["name"] for item in body["items"]]


def test_a_list_and_its_metadata(five: Place) -> None:
    """A List of the kind with a version; its items don't repeat the kind."""
    body = page(five).json
    assert (body["kind"], body["apiVersion"]) == ("ConfigMapList", "v1")
    assert names(body) == NAMES
    assert int(body["metadata"]["resourceVersion"]) > 0
    assert "continue" not in body["metadata"]
    assert "kind" not in body["items"][0]


def test_pages_are_one_consistent_list(five: Place) -> None:
    """Each goes on where the last one ended, on the version of the first."""
    first = page(five, limit="2").json
    second = page(five, limit="2", token=first["metadata"]["continue"]).json
    five.make("configmaps", config_map("m9"))
    third = page(five, limit="2", token=second["metadata"]["continue"]).json
    five.admin.ok("DELETE", five.path("configmaps", "m9"))
    assert [names(body) for body in (first, second, third)] == [NAMES[:2], NAMES[2:4], NAMES[4:]]
    assert "continue" not in third["metadata"]
    versions = {body["metadata"]["resourceVersion"] for body in (first, second, third)}
    assert len(versions) == 1


def test_how_many_remain(site: Site) -> None:
    """Said for a list of everything, not for a selected one."""
    place = site.namespace(mine="yes")
    for name in NAMES:
        place.make("leases", {"metadata": {"name": name, "labels": {"a": "b"}}, "spec": {}})
    path = place.path("leases")
    body = site.admin.ok("GET", path, limit="2")
    assert body["metadata"]["remainingItemCount"] == 3
    chosen = site.admin.ok("GET", path, limit="2", labelSelector="a=b")
    assert "remainingItemCount" not in chosen["metadata"]
    assert chosen["metadata"]["continue"]
    total = site.admin.api.count(NAMESPACES)
    assert total == len(site.admin.ok("GET", "/api/v1/namespaces")["items"])


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("parity=even", ["m0", "m2", "m4"]),
        ("parity==even", ["m0", "m2", "m4"]),
        ("parity!=even", ["m1", "m3"]),
        ("parity in (even,odd)", ["m0", "m2", "m4"]),
        ("parity notin (even)", ["m1", "m3"]),
        ("parity", ["m0", "m2", "m4"]),
        ("!parity", ["m1", "m3"]),
        ("parity=even,parity!=even", []),
        ("", NAMES),
    ],
)
def test_label_selectors(five: Place, selector: str, expected: list[str]) -> None:
    """The full language."""
    assert names(page(five, labelSelector=selector).json) == expected


@pytest.mark.parametrize(
    "selector",
    ["a=b=c", "in (x)", "a in x", "a in (x", "-a=b", "a=b c", "a=-", "=b", ",", "a>b", "a/b/c=d"],
)
def test_bad_label_selectors(five: Place, selector: str) -> None:
    """400."""
    assert page(five, labelSelector=selector).refusal[:2] == (400, "BadRequest")


def test_field_selectors(five: Place) -> None:
    """Name and namespace are served everywhere; what is not served is refused."""
    assert names(page(five, fieldSelector="metadata.name=m1").json) == ["m1"]
    assert page(five, fieldSelector="data.number=1").status == 400
    assert page(five, fieldSelector="nonsense").status == 400


def test_a_list_where_nothing_is(site: Site) -> None:
    """200 and empty, also for a namespace that is not there."""
    assert Place(site, "nowhere").admin.ok("GET", "/api/v1/namespaces/nowhere/pods")["items"] == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"token": "nonsense"}, 400),
        ({"token": base64.urlsafe_b64encode(b'{"v":"other","rv":1,"start":"x"}').decode()}, 400),
        ({"limit": "many"}, 400),
        ({"resourceVersion": "old"}, 400),
        ({"resourceVersionMatch": "Sometimes", "resourceVersion": "1"}, 422),
        ({"resourceVersionMatch": "Exact"}, 422),
    ],
)
def test_bad_questions(five: Place, query: dict[str, str], status: int) -> None:
    """Refused as the client's mistake."""
    assert page(five, **query).status == status


def test_an_expired_token_can_be_gone_on_with(five: Place) -> None:
    """410 Expired with another token, which goes on with what is there now."""
    token = old_token(five)
    answer = page(five, limit="2", token=token)
    assert answer.refusal[:2] == (410, "Expired")
    fresh = answer.json["metadata"]["continue"]
    error = error_of(Reply(answer.status, answer.headers, answer.body))
    assert isinstance(error, PageExpired)
    assert error.go_on == fresh
    rest = page(five, limit="2", token=fresh).json
    assert names(rest) == NAMES[2:4]
    last = page(five, limit="2", token=rest["metadata"]["continue"]).json
    assert names(last) == NAMES[4:]


def old_token(place: Place) -> str:
    """A token that goes on after the second, and has expired."""
    token: str = page(place, limit="2").json["metadata"]["continue"]
    # A later change, so that the token's version lies in what is forgotten.
    place.make("configmaps", config_map("later"))
    place.admin.ok("DELETE", place.path("configmaps", "later"))
    place.site.expire()
    return token


def test_chaosd_goes_on_after_an_expired_token(five: Place) -> None:
    """All pages arrive, although the token of the first had expired."""
    pages = five.admin.api.pages(CONFIG_MAPS, five.name, Metadata, labels="parity=even", limit=1)
    found = [item.metadata.name for item in next(pages)]
    five.make("configmaps", config_map("later"))
    five.admin.ok("DELETE", five.path("configmaps", "later"))
    five.site.expire()
    found += [item.metadata.name for one in pages for item in one]
    assert found == ["m0", "m2", "m4"]


def test_only_metadata(five: Place) -> None:
    """PartialObjectMetadata: no data, and each item says what it is."""
    path = five.path("configmaps")
    query = {"labelSelector": "parity=even", "limit": "2"}
    body = five.admin.ok("GET", path, accept=f"{PARTIAL_LIST},application/json", **query)
    assert (body["kind"], body["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    assert names(body) == ["m0", "m2"]
    assert "data" not in body["items"][0]
    assert body["metadata"]["continue"]
    one = five.admin.ok("GET", five.path("configmaps", "m0"), accept=PARTIAL)
    assert one["kind"] == "PartialObjectMetadata"
    assert one["metadata"]["labels"] == {"parity": "even"}
    assert set(one) == {"kind", "apiVersion", "metadata"}
    found = list(five.admin.api.metadata_pages(CONFIG_MAPS, five.name, labels="parity=even"))
    assert [meta.name for pages in found for meta in pages] == ["m0", "m2", "m4"]


def test_a_version_of_the_past_and_of_the_future(five: Place) -> None:
    """Exactly an old version is served while it is kept; one to come times out with a 504."""
    now = page(five).json["metadata"]["resourceVersion"]
    five.make("configmaps", config_map("new"))
    then = page(five, resourceVersion=now, resourceVersionMatch="Exact").json
    five.admin.ok("DELETE", five.path("configmaps", "new"))
    assert names(then) == NAMES
    assert then["metadata"]["resourceVersion"] == now
    assert page(five, resourceVersion="0").status == 200


def test_a_list_body_is_what_the_decoder_expects(five: Place) -> None:
    """Numbers in strings, times with Z: as msgspec reads them."""
    answer = page(five)
    times = [item["metadata"]["creationTimestamp"] for item in answer.json["items"]]
    assert all(text.endswith("Z") and len(text) == len("2026-11-21T12:00:00Z") for text in times)
    assert msgspec.json.decode(answer.body)["items"]
