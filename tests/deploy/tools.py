"""The tools that tests of the chart and the image call, and the chart as Helm renders it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "chart"
TOOLS = ROOT / ".tools" / "bin"
NAMESPACE = "chaosd"
IMAGE = "registry.example/chaosd"

Json = dict[str, Any]


def find(name: str) -> Path:
    """A tool, from `KUBEBUILDER_ASSETS` (as `make tools` leaves out what is there), `.tools` or the
    path; without it the test is skipped, and fails in CI."""
    given = [os.environ[name] for name in ("KUBEBUILDER_ASSETS", "PATH") if os.environ.get(name)]
    places = os.pathsep.join([*given[:-1], str(TOOLS), *given[-1:]])
    found = shutil.which(name, path=places)
    if found is None:
        lacks(f"{name} IS MISSING: `make tools-deploy` gets it")
    return Path(found)


def lacks(what: str) -> NoReturn:
    """Skip, saying what is missing; in CI nothing may be missing."""
    if "CI" in os.environ:
        pytest.fail(what)
    pytest.skip(what)


class Refused(Exception):
    """Helm did not render; the message is what it said."""


class Helm:
    """Calls of helm on the chart. ``values`` are laid over those of the chart."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, *arguments: str, values: Json | None = None) -> str:
        """What helm prints; raises Refused. Needs no cluster and sees no kubeconfig."""
        given = {"image": {"repository": IMAGE}, **(values or {})}
        environ = {"PATH": os.environ.get("PATH", ""), "HOME": "/nonexistent"}
        done = subprocess.run(
            [self.path, *arguments, "--values", "-"],
            input=yaml.safe_dump(given),
            capture_output=True,
            text=True,
            env=environ,
            check=False,
        )
        if done.returncode:
            raise Refused(done.stderr + done.stdout)
        return done.stdout

    def text(self, values: Json | None = None, namespace: str = NAMESPACE) -> str:
        """The rendered manifests, with their comments."""
        arguments = ("template", "chaosd", str(CHART), "--namespace", namespace)
        return self.run(*arguments, values=values)

    def objects(self, values: Json | None = None, namespace: str = NAMESPACE) -> list[Json]:
        """The rendered objects."""
        return [one for one in yaml.safe_load_all(self.text(values, namespace)) if one]

    def one(self, kind: str, values: Json | None = None) -> Json:
        """The only object of a kind."""
        (found,) = (one for one in self.objects(values) if one["kind"] == kind)
        return found

    def pod(self, values: Json | None = None) -> Json:
        """The spec of the Deployment's pods."""
        spec: Json = self.one("Deployment", values)["spec"]["template"]["spec"]
        return spec
