"""Helper pods and the admission of a real API server: privileged pods need a namespace for them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chaosd.core.model import Action, Configuration, Helper, Limits, Policy, Select, TargetKind
from chaosd.core.schedule import Every
from chaosd.core.window import Windows
from chaosd.targets.helper_trial import helper_words
from tests.contract.site import Site

ENFORCE = "pod-security.kubernetes.io/enforce"


def configuration(namespace: str) -> Configuration:
    """A live policy that crashes."""
    windows = Windows("UTC")
    policy = Policy(
        name="web",
        target=TargetKind.POD,
        action=Action.CRASH,
        schedule=Every(timedelta(hours=1)),
        select=Select(),
        windows=windows,
        limits=Limits(),
        dry_run=False,
    )
    helper = Helper(namespace, "registry.example.com/chaosd:1.0")
    return Configuration(windows, (policy,), helper=helper)


@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_a_namespace_that_allows_no_privileged_pods_is_found_out(real: Site, level: str) -> None:
    """Before anything is struck, with the command that allows them; then one could be made."""
    place = real.namespace(**{ENFORCE: level})
    _, words = helper_words(place.reads, configuration(place.name))
    assert f'violates PodSecurity "{level}:latest"' in words
    assert words.endswith(f"kubectl label namespace {place.name} {ENFORCE}=privileged")
    patch = {"metadata": {"labels": {ENFORCE: "privileged"}}}
    path = f"/api/v1/namespaces/{place.name}"
    real.admin.ok("PATCH", path, patch, kind="application/merge-patch+json")
    _, words = helper_words(place.reads, configuration(place.name))
    assert words == f"A helper pod could be made in namespace {place.name} now."
    assert place.admin.ok("GET", place.path("pods"))["items"] == []


def test_a_namespace_that_is_not_there_is_found_out(real: Site) -> None:
    """With the command that makes it."""
    place = real.namespace()
    _, words = helper_words(place.reads, configuration("nowhere"))
    assert words.endswith("make it with: kubectl create namespace nowhere")
