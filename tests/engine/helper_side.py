"""Helper pods in a scene, what became of them, and of the pods of others."""

from __future__ import annotations

from chaosd.core.model import Helper
from tests.engine.scene import Scene

HELPERS = "chaosd-helper"
HELPER = Helper(HELPERS, "chaosd:1")
MAKES_HELPER = f"POST /api/v1/namespaces/{HELPERS}/pods"


def helpers(scene: Scene) -> list[str]:
    """The helper pods that there are."""
    found = scene.cluster.all("pods")
    return [p["metadata"]["name"] for p in found if p["metadata"]["namespace"] == HELPERS]


def lost(scene: Scene) -> list[str]:
    """The pods of others that were removed through the API."""
    return [name for name in scene.victims() if not name.startswith(HELPERS)]
