"""What actions are called."""

from __future__ import annotations

import pytest

from chaosd.core.model import Action
from chaosd.core.words import of_what, verb
from tests.core.test_status import open_intent
from tests.core.test_status_nodes import drain


@pytest.mark.parametrize("action", Action)
def test_every_action_has_a_verb(action: Action) -> None:
    """Each can be told in the present and in the past."""
    found = verb(action)

    assert found.do
    assert found.does.startswith(found.do)
    assert found.did.startswith(found.do[:4])


def test_a_pod_is_told_with_its_workload_and_a_node_alone() -> None:
    """A node is its own workload."""
    assert of_what(open_intent()).endswith(" of shop/Deployment/web")
    assert of_what(drain()) == "node n1"
