"""The three patch formats, by what they leave behind."""

from __future__ import annotations

from typing import Any

import pytest

from chaosd.sandbox.objects import thaw
from chaosd.sandbox.patches import (
    JSON_PATCH,
    MERGE_PATCH,
    STRATEGIC_PATCH,
    PatchError,
    apply_patch,
)

TARGET = {
    "metadata": {"labels": {"a": "1", "b": "2"}, "finalizers": ["x"]},
    "spec": {
        "containers": [{"name": "main", "image": "i:1"}, {"name": "side", "image": "s:1"}],
        "tolerations": [{"key": "k"}],
    },
    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
}


@pytest.mark.parametrize(
    ("kind", "patch", "path", "expected"),
    [
        (MERGE_PATCH, {"metadata": {"labels": {"a": None}}}, "metadata.labels", {"b": "2"}),
        (MERGE_PATCH, {"spec": {"tolerations": []}}, "spec.tolerations", []),
        (MERGE_PATCH, {"new": {"deep": {"x": None, "y": 1}}}, "new", {"deep": {"y": 1}}),
        (
            STRATEGIC_PATCH,
            {"status": {"conditions": [{"type": "Own", "status": "True"}]}},
            "status.conditions",
            [{"type": "Ready", "status": "True"}, {"type": "Own", "status": "True"}],
        ),
        (
            STRATEGIC_PATCH,
            {"spec": {"containers": [{"name": "main", "image": "i:2"}]}},
            "spec.containers",
            [{"name": "main", "image": "i:2"}, {"name": "side", "image": "s:1"}],
        ),
        (
            STRATEGIC_PATCH,
            {"spec": {"containers": [{"name": "side", "$patch": "delete"}]}},
            "spec.containers",
            [{"name": "main", "image": "i:1"}],
        ),
        (
            STRATEGIC_PATCH,
            {"spec": {"containers": [{"name": "new"}, {"$patch": "replace"}]}},
            "spec.containers",
            [{"name": "new"}],
        ),
        (
            STRATEGIC_PATCH,
            {
                "spec": {
                    "$setElementOrder/containers": [{"name": "side"}, {"name": "main"}],
                    "containers": [],
                }
            },
            "spec.containers",
            [{"name": "side", "image": "s:1"}, {"name": "main", "image": "i:1"}],
        ),
        (
            STRATEGIC_PATCH,
            {"spec": {"tolerations": [{"key": "z"}]}},
            "spec.tolerations",
            [{"key": "z"}],
        ),
        (STRATEGIC_PATCH, {"metadata": {"finalizers": ["y"]}}, "metadata.finalizers", ["x", "y"]),
        (
            STRATEGIC_PATCH,
            {"metadata": {"$deleteFromPrimitiveList/finalizers": ["x"]}},
            "metadata.finalizers",
            [],
        ),
        (
            STRATEGIC_PATCH,
            {"metadata": {"labels": {"$patch": "replace", "c": "3"}}},
            "metadata.labels",
            {"c": "3"},
        ),
        (
            STRATEGIC_PATCH,
            {"metadata": {"$retainKeys": ["labels"], "labels": {}}},
            "metadata",
            {"labels": {"a": "1", "b": "2"}},
        ),
        (
            JSON_PATCH,
            [{"op": "add", "path": "/metadata/labels/c~1d", "value": "3"}],
            "metadata.labels",
            {"a": "1", "b": "2", "c/d": "3"},
        ),
        (
            JSON_PATCH,
            [{"op": "remove", "path": "/metadata/labels/a"}],
            "metadata.labels",
            {"b": "2"},
        ),
        (
            JSON_PATCH,
            [{"op": "replace", "path": "/spec/containers/1/image", "value": "s:2"}],
            "spec.containers",
            [{"name": "main", "image": "i:1"}, {"name": "side", "image": "s:2"}],
        ),
        (
            JSON_PATCH,
            [{"op": "add", "path": "/metadata/finalizers/-", "value": "y"}],
            "metadata.finalizers",
            ["x", "y"],
        ),
        (
            JSON_PATCH,
            [{"op": "move", "from": "/metadata/labels/a", "path": "/metadata/labels/z"}],
            "metadata.labels",
            {"b": "2", "z": "1"},
        ),
        (
            JSON_PATCH,
            [{"op": "copy", "from": "/metadata/labels", "path": "/copy"}],
            "copy",
            {"a": "1", "b": "2"},
        ),
        (
            JSON_PATCH,
            [{"op": "test", "path": "/metadata/labels/a", "value": "1"}],
            "metadata.labels",
            {"a": "1", "b": "2"},
        ),
    ],
)
def test_a_patch_changes_what_it_names(kind: str, patch: Any, path: str, expected: Any) -> None:
    """Each directive, and that the target itself stays as it was."""
    before = thaw(TARGET)
    found: Any = apply_patch(kind, TARGET, patch)
    for part in path.split("."):
        found = found[part]
    assert found == expected
    assert before == TARGET


@pytest.mark.parametrize(
    ("kind", "patch", "applies"),
    [
        (MERGE_PATCH, [], True),
        (STRATEGIC_PATCH, "text", True),
        (STRATEGIC_PATCH, {"spec": {"containers": [{"image": "x"}]}}, True),
        (JSON_PATCH, {}, True),
        (JSON_PATCH, [{"op": "test", "path": "/metadata/labels/a", "value": "2"}], False),
        (JSON_PATCH, [{"op": "remove", "path": "/nothing"}], False),
        (JSON_PATCH, [{"op": "replace", "path": "/spec/containers/9", "value": 1}], False),
        (JSON_PATCH, [{"op": "dance", "path": "/spec"}], True),
        (JSON_PATCH, [{"path": "/spec"}], False),
        (JSON_PATCH, ["text"], False),
    ],
)
def test_a_patch_that_does_not_fit_is_refused(kind: str, patch: Any, applies: bool) -> None:
    """Unreadable patches (400) are told from those that do not apply (422)."""
    with pytest.raises(PatchError) as error:
        apply_patch(kind, TARGET, patch)
    assert error.value.applies is applies
