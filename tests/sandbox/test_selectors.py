"""Selectors select what an API server selects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.sandbox.selectors import (
    SelectorError,
    compile_selectors,
    matches_labels,
    parse_label_selector,
    parse_labels,
)

LABELS = {"app": "web", "tier": "front", "weight": "5", "example.com/team": "a", "empty": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app = web", True),
        ("app=api", False),
        ("app!=api", True),
        ("app!=web", False),
        ("nothing!=x", True),
        ("app in (web, api)", True),
        ("app in (api)", False),
        ("app notin (api,web)", False),
        ("app notin (api)", True),
        ("nothing notin (api)", True),
        ("app", True),
        ("!app", False),
        ("nothing", False),
        ("!nothing", True),
        ("weight>4", True),
        ("weight>5", False),
        ("weight<6", True),
        ("app>1", False),
        ("nothing>1", False),
        ("app=web,tier=front", True),
        ("app=web,tier=back", False),
        ("example.com/team=a", True),
        ("empty=", True),
        ("empty==", True),
        ("app=", False),
        ("empty in ()", True),
        ("app in (web),!nothing,weight<9", True),
    ],
)
def test_label_selectors_match(text: str, expected: bool) -> None:
    """The whole label selector language, by its meaning."""
    assert matches_labels(parse_labels(text), LABELS) is expected


@pytest.mark.parametrize(
    "text",
    [
        "app in web",
        "app in (web",
        "app=a b",
        "=web",
        "app=web,",
        ",app=web",
        "-app=x",
        "app=-x",
        "app in (a)(b)",
        "app>x",
        "a/b/c=1",
        "Upper.Case/x=1",
        "!",
        "!app=web",
        "x" * 64,
        "app=" + "x" * 64,
        "app=(web)",
    ],
)
def test_bad_label_selectors_are_refused(text: str) -> None:
    """What apimachinery does not parse is an error here too."""
    with pytest.raises(SelectorError):
        parse_labels(text)


@given(st.text(alphabet="ab/.-_=!<>(), in", max_size=30))
def test_any_text_parses_or_is_refused(text: str) -> None:
    """No text ends in another exception, and what parses can be matched."""
    try:
        terms = parse_labels(text)
    except SelectorError:
        return
    assert matches_labels(terms, {"a": "b"}) in (True, False)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({}, True),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "web", "tier": "back"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
    ],
)
def test_selector_objects_match(selector: dict[str, object], expected: bool) -> None:
    """LabelSelector objects, as workloads and budgets have them; an empty one takes everything."""
    terms = parse_label_selector(selector)
    assert terms is not None
    assert matches_labels(terms, LABELS) is expected


def test_a_missing_selector_object_matches_nothing() -> None:
    """A nil LabelSelector selects nothing."""
    assert parse_label_selector(None) is None


POD = {
    "metadata": {"name": "web-1", "namespace": "shop", "labels": {"app": "web"}},
    "spec": {"nodeName": "node-1"},
    "status": {"phase": "Running"},
}
EVENT = {
    "metadata": {"name": "e", "namespace": "shop"},
    "involvedObject": {"kind": "Pod", "name": "web-1", "uid": "u"},
    "type": "Normal",
}


@pytest.mark.parametrize(
    ("resource", "item", "text", "expected"),
    [
        ("pods", POD, "metadata.name=web-1", True),
        ("pods", POD, "metadata.name!=web-1", False),
        ("pods", POD, "metadata.namespace=shop,status.phase=Running", True),
        ("pods", POD, "spec.nodeName==node-2", False),
        ("pods", POD, "spec.hostNetwork=false", True),
        ("events", EVENT, "involvedObject.kind=Pod,involvedObject.uid=u", True),
        ("events", EVENT, "type=Warning", False),
    ],
)
def test_field_selectors_match(
    resource: str, item: dict[str, object], text: str, expected: bool
) -> None:
    """The fields that an API server selects by."""
    matches = compile_selectors("", text, resource)
    assert matches is not None
    assert matches(item) is expected


@pytest.mark.parametrize(
    ("resource", "text"),
    [("pods", "spec.priority=1"), ("configmaps", "status.phase=x"), ("pods", "nonsense")],
)
def test_unknown_fields_are_refused(resource: str, text: str) -> None:
    """A field that the kind does not offer is an error, not an empty list."""
    with pytest.raises(SelectorError):
        compile_selectors("", text, resource)
