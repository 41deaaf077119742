"""deploy/manifests is what the chart renders, and can be applied by kubectl alone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.tools import ROOT, Helm

MANIFESTS = ROOT / "deploy" / "manifests"
NAMES = ("cluster.yaml", "namespaced.yaml")


def test_the_manifests_are_up_to_date(helm: Helm, tmp_path: Path) -> None:
    """Run `make manifests` when they are stale."""
    environ = {**os.environ, "HELM": str(helm.path)}
    subprocess.run([ROOT / "deploy" / "render.sh", tmp_path], env=environ, check=True)
    assert {path.name for path in MANIFESTS.iterdir()} == set(NAMES)
    for name in NAMES:
        assert (MANIFESTS / name).read_text() == (tmp_path / name).read_text()


@pytest.mark.parametrize("name", NAMES)
def test_the_namespace_comes_first(name: str) -> None:
    """So that one `kubectl apply` is enough; and it takes restricted pods alone."""
    first, *others = (one for one in yaml.safe_load_all((MANIFESTS / name).read_text()) if one)
    assert (first["kind"], first["metadata"]["name"]) == ("Namespace", "chaosd")
    labels = first["metadata"]["labels"]
    assert labels == {"pod-security.kubernetes.io/enforce": "restricted"}
    assert "Namespace" not in [one["kind"] for one in others]
