"""Compare-and-swap on the ledger's ConfigMap and on the Lease."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest

from chaosd.core.lease import LeaseSpec, read_spec, released, write_spec
from chaosd.kube.documents import LeaseDocument, LedgerDocument
from chaosd.ports import Conflict, Document, Invalid, NotFound
from tests.contract.manifests import Json, config_map, lease
from tests.contract.site import MERGE, Place

Make = Callable[[Place], LedgerDocument | LeaseDocument]
NOW = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
LATER = "2026-11-21T12:00:04.000000Z"


def ledger(place: Place) -> LedgerDocument:
    return LedgerDocument(place.admin.api, place.name)


def leased(place: Place) -> LeaseDocument:
    return LeaseDocument(place.admin.api, place.name)


def text(number: int) -> str:
    """Something that both kinds can hold."""
    return msgspec.json.encode({"leaseTransitions": number}).decode()


BOTH = pytest.mark.parametrize("make", [ledger, leased])


@BOTH
def test_create_read_swap(place: Place, make: Make) -> None:
    """What was written is read; each swap gives a new version of the same object."""
    document = make(place)
    assert document.read() is None
    made = document.create(text(1), {"chaosd.io/a": "x"})
    assert document.read() == made
    swapped = document.swap(made, text(2), {"chaosd.io/b": "y"})
    assert (swapped.text, swapped.uid) == (text(2), made.uid)
    assert swapped.version != made.version
    assert dict(swapped.annotations) == {"chaosd.io/a": "x", "chaosd.io/b": "y"}
    assert document.read() == swapped
    bare = document.swap(swapped, text(2), {"chaosd.io/a": None})
    assert dict(bare.annotations) == {"chaosd.io/b": "y"}


@BOTH
def test_what_changed_meanwhile_is_not_swapped(place: Place, make: Make) -> None:
    """409 for an old version, for another UID, and when it is gone."""
    document = make(place)
    made = document.create(text(1), {})
    newest = document.swap(made, text(2))
    with pytest.raises(Conflict) as caught:
        document.swap(made, text(3))
    assert (caught.value.status, caught.value.reason) == (409, "Conflict")
    with pytest.raises(Conflict):
        document.swap(Document(newest.text, newest.version, "another", {}), text(3))
    assert document.read() == newest
    with pytest.raises(Conflict) as caught:
        document.create(text(4), {})
    assert (caught.value.status, caught.value.reason) == (409, "AlreadyExists")
    plural, name = document.resource.plural, newest_name(make)
    place.admin.ok("DELETE", place.path(plural, name))
    with pytest.raises(Conflict):
        document.swap(newest, text(5))
    assert document.read() is None
    again = document.create(text(6), {})
    assert again.uid != made.uid
    with pytest.raises(Conflict):
        document.swap(newest, text(7))


def newest_name(make: Make) -> str:
    return "chaosd-ledger" if make is ledger else "chaosd"


@BOTH
def test_a_touch_by_somebody_breaks_the_swap(place: Place, make: Make) -> None:
    """``kubectl annotate`` between read and swap is enough."""
    document = make(place)
    made = document.create(text(1), {})
    note = {"metadata": {"annotations": {"chaosd.io/halt": "stop"}}}
    place.patch(document.resource.plural, newest_name(make), note)
    with pytest.raises(Conflict):
        document.swap(made, text(2))
    seen = document.read()
    assert seen is not None
    assert (seen.text, seen.annotations["chaosd.io/halt"]) == (text(1), "stop")


@BOTH
def test_an_unchanged_swap_changes_nothing(place: Place, make: Make) -> None:
    """The server writes nothing then, so the version stays."""
    document = make(place)
    made = document.create(text(1), {})
    assert document.swap(made, text(1)).version == made.version


def test_a_swap_drops_what_the_text_no_longer_says(place: Place) -> None:
    """A Lease is released by leaving its holder out; its times keep their microseconds."""
    document = leased(place)
    held = LeaseSpec("chaosd-0", 15, "2026-11-21T12:00:00.123456Z", LATER, 1)
    made = document.create(write_spec(held), {})
    assert read_spec(made.text) == held
    free = released(held, NOW)
    swapped = document.swap(made, write_spec(free))
    assert read_spec(swapped.text) == free
    assert "null" not in swapped.text
    bare = document.swap(swapped, '{"leaseTransitions":1}')
    assert msgspec.json.decode(bare.text) == {"leaseTransitions": 1}


def test_others_keys_stay(place: Place) -> None:
    """Labels and data that somebody put there survive a swap."""
    document = ledger(place)
    document.create(text(1), {})
    more = {"metadata": {"labels": {"team": "a"}}, "data": {"note": "hello"}}
    place.patch("configmaps", "chaosd-ledger", more)
    seen = document.read()
    assert seen is not None
    document.swap(seen, text(2))
    item = place.get("configmaps", "chaosd-ledger") or {}
    assert item["metadata"]["labels"]["team"] == "a"
    assert item["data"] == {"note": "hello", "ledger.json": text(2)}


def test_too_much_is_refused(place: Place) -> None:
    """422 for more than 1 MiB in a ConfigMap, and 900 KiB pass."""
    document = ledger(place)
    made = document.create("x" * 900 * 1024, {})
    with pytest.raises(Invalid) as caught:
        document.swap(made, "x" * (1_048_576 + 1))
    assert (caught.value.status, caught.value.reason) == (422, "Invalid")
    assert document.read() == made


def test_no_such_namespace(place: Place) -> None:
    """404 for a create where there is no namespace."""
    with pytest.raises(NotFound) as caught:
        LedgerDocument(place.admin.api, "nowhere").create(text(1), {})
    assert caught.value.message == 'namespaces "nowhere" not found'


def test_puts_compare_versions_too(place: Place) -> None:
    """200 with the version that was read, 409 with an older one, 409 AlreadyExists for a create."""
    made = place.make("configmaps", config_map("one", a="1"))
    path = place.path("configmaps", "one")
    second = place.admin.ok("PUT", path, {**made, "data": {"a": "2"}})
    assert second["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]
    refused = place.admin.call("PUT", path, {**made, "data": {"a": "3"}})
    message = (
        'Operation cannot be fulfilled on configmaps "one": the object has been modified; please '
        "apply your changes to the latest version and try again"
    )
    assert refused.refusal == (409, "Conflict", message)
    again = place.admin.call("POST", place.path("configmaps"), config_map("one"))
    assert again.refusal == (409, "AlreadyExists", 'configmaps "one" already exists')
    other = {**second, "metadata": {**second["metadata"], "uid": "another"}}
    assert place.admin.call("PUT", path, other).refusal[:2] == (409, "Conflict")
    blind = place.admin.call("PUT", path, config_map("one", a="4"))
    assert blind.status == 200


def test_a_lease_is_never_put_blindly(place: Place) -> None:
    """A PUT without a version is refused."""
    place.make("leases", lease("one", holderIdentity="a"))
    answer = place.admin.call("PUT", place.path("leases", "one"), lease("one", holderIdentity="b"))
    assert answer.refusal[:2] == (422, "Invalid")


@pytest.mark.parametrize(
    "spec",
    [
        {"renewTime": "yesterday"},
        {"leaseDurationSeconds": "long"},
        {"leaseTransitions": "many"},
        {"holderIdentity": 5},
    ],
)
def test_nonsense_in_a_lease_is_a_bad_request(place: Place, spec: Json) -> None:
    """400 on create, and 422 by a patch."""
    assert place.admin.call("POST", place.path("leases"), lease("bad", **spec)).status == 400
    place.make("leases", lease("good"))
    answer = place.admin.call("PATCH", place.path("leases", "good"), {"spec": spec}, kind=MERGE)
    assert answer.status == 422


def test_a_dry_run_creates_nothing(place: Place) -> None:
    """201 as the real one, and nothing is there."""
    path = place.path("configmaps")
    assert place.admin.call("POST", path, config_map("one"), dryRun="All").status == 201
    assert place.get("configmaps", "one") is None
