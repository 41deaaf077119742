"""The ledger's ConfigMap and the Lease, changed by compare-and-swap."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chaosd.kube.documents import LEDGER_KEY, LeaseDocument, LedgerDocument
from chaosd.ports import Conflict, Invalid, Unanswered, Versioned
from chaosd.sandbox import Rule, scenarios
from tests.support.lab import Lab

LEASE = '{"holderIdentity":"a","leaseDurationSeconds":15}'
OTHER_LEASE = '{"holderIdentity":"b","leaseTransitions":3}'


@pytest.fixture
def lab() -> Lab:
    lab = Lab()
    with lab.filled() as cluster:
        scenarios.namespace(cluster, "chaosd")
    return lab


Make = Callable[[Lab], Versioned]
BOTH = pytest.mark.parametrize(
    ("make", "text", "other"),
    [
        (lambda lab: LedgerDocument(lab.api, "chaosd"), '{"version":1}', '{"version":1,"x":2}'),
        (lambda lab: LeaseDocument(lab.api, "chaosd"), LEASE, OTHER_LEASE),
    ],
    ids=["ledger", "lease"],
)


@BOTH
def test_what_was_made_is_read_back(lab: Lab, make: Make, text: str, other: str) -> None:
    """Text, annotations, UID and version come back as they were answered."""
    document = make(lab)
    assert document.read() is None
    made = document.create(text, {"chaosd.io/ledger-uid": "u"})
    assert document.read() == made
    assert json.loads(made.text) == json.loads(text)
    assert made.annotations == {"chaosd.io/ledger-uid": "u"}
    with pytest.raises(Conflict):
        document.create(text, {})


@BOTH
def test_a_swap_replaces_the_whole_text(lab: Lab, make: Make, text: str, other: str) -> None:
    """Nothing of the old text is left over, and the version moves on."""
    document = make(lab)
    made = document.create(text, {})
    swapped = document.swap(made, other)
    assert json.loads(swapped.text) == json.loads(other)
    assert swapped.version != made.version
    assert swapped.uid == made.uid
    assert document.read() == swapped


@BOTH
def test_only_the_state_that_was_seen_is_swapped(
    lab: Lab, make: Make, text: str, other: str
) -> None:
    """Of two that swap the same state one wins, the other is told."""
    document = make(lab)
    made = document.create(text, {})
    won = document.swap(made, other)
    with pytest.raises(Conflict):
        document.swap(made, text)
    assert document.read() == won


@BOTH
def test_a_recreated_object_is_another(lab: Lab, make: Make, text: str, other: str) -> None:
    """An object of the same name with another UID is not what was seen, nor is none at all."""
    document = make(lab)
    made = document.create(text, {})
    resource = "configmaps" if text.startswith('{"v') else "leases.coordination.k8s.io"
    name = "chaosd-ledger" if resource == "configmaps" else "chaosd"
    lab.cluster.remove(resource, "chaosd", name)
    with pytest.raises(Conflict):
        document.swap(made, other)
    again = document.create(text, {})
    with pytest.raises(Conflict):
        document.swap(made, other)
    assert document.read() == again


@BOTH
def test_annotations_change_one_by_one(lab: Lab, make: Make, text: str, other: str) -> None:
    """A swap sets and removes the annotations that it names, and leaves the others."""
    document = make(lab)
    made = document.create(text, {"a": "1", "b": "2"})
    swapped = document.swap(made, other, {"b": None, "c": "3"})
    assert swapped.annotations == {"a": "1", "c": "3"}


@BOTH
def test_what_others_wrote_stays(lab: Lab, make: Make, text: str, other: str) -> None:
    """Labels and annotations of others survive, but they make a new version."""
    document = make(lab)
    made = document.create(text, {})
    resource = "configmaps" if text.startswith('{"v') else "leases.coordination.k8s.io"
    name = "chaosd-ledger" if resource == "configmaps" else "chaosd"
    with lab.cluster.edit(resource, "chaosd", name) as item:
        item["metadata"]["labels"]["team"] = "a"
        item["metadata"].setdefault("annotations", {})["chaosd.io/halt"] = "stop"
    with pytest.raises(Conflict):
        document.swap(made, other)
    seen = document.read()
    assert seen is not None
    assert seen.annotations == {"chaosd.io/halt": "stop"}
    document.swap(seen, other)
    item = lab.cluster.get(resource, "chaosd", name) or {}
    assert item["metadata"]["labels"]["team"] == "a"


@BOTH
def test_a_lost_answer_is_not_sent_again(lab: Lab, make: Make, text: str, other: str) -> None:
    """A swap whose answer was lost may have happened: one request was sent, and it is said so."""
    document = make(lab)
    made = document.create(text, {})
    lab.requests()
    lab.fault(Rule(do="lost", when="after", verbs=("patch",)))
    with pytest.raises(Unanswered):
        document.swap(made, other)
    assert [one.method for one in lab.requests()] == ["PATCH"]
    seen = document.read()
    assert seen is not None
    assert json.loads(seen.text) == json.loads(other)


def config_map(lab: Lab, **fields: Any) -> None:
    item = {"metadata": {"name": "chaosd-ledger", "namespace": "chaosd"}, **fields}
    lab.cluster.add("configmaps", item)


@pytest.mark.parametrize("fields", [{}, {"data": None}, {"data": {}}, {"data": {"note": "mine"}}])
def test_a_config_map_without_the_key_is_an_empty_document(
    lab: Lab, fields: dict[str, Any]
) -> None:
    """A ledger that somebody emptied is there, and has no text; a swap keeps other keys."""
    config_map(lab, **fields)
    document = LedgerDocument(lab.api, "chaosd")
    seen = document.read()
    assert seen is not None
    assert seen.text == ""
    document.swap(seen, "{}")
    item = lab.cluster.get("configmaps", "chaosd", "chaosd-ledger") or {}
    assert item["data"] == {**(fields.get("data") or {}), LEDGER_KEY: "{}"}


def test_too_large_a_ledger_is_refused(lab: Lab) -> None:
    """The API server's limit is an answer like any other, and nothing is changed."""
    document = LedgerDocument(lab.api, "chaosd")
    made = document.create("{}", {})
    with pytest.raises(Invalid):
        document.swap(made, "x" * 1_048_577)
    assert document.read() == made


def test_the_made_objects_say_whose_they_are(lab: Lab) -> None:
    """People find chaosd's objects by the usual labels."""
    LedgerDocument(lab.api, "chaosd").create("{}", {})
    item = lab.cluster.get("configmaps", "chaosd", "chaosd-ledger") or {}
    assert item["metadata"]["labels"]["app.kubernetes.io/name"] == "chaosd"


def test_a_lease_without_a_spec_is_an_empty_one(lab: Lab) -> None:
    """A Lease that somebody made by hand can be taken."""
    item = {"metadata": {"name": "chaosd", "namespace": "chaosd"}}
    lab.cluster.add("leases.coordination.k8s.io", item)
    document = LeaseDocument(lab.api, "chaosd")
    seen = document.read()
    assert seen is not None
    assert seen.text == "{}"
    assert json.loads(document.swap(seen, LEASE).text) == json.loads(LEASE)
