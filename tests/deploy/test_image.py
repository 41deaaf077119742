"""The Dockerfile: what a linter says, and its steps performed without a container.

An image can't be built here. What is shown is that the steps work from what is in version control
alone, and that what they make runs as somebody who isn't root, with nothing writable.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from packaging.utils import canonicalize_name

from chaosd.config import load_text
from tests.daemon.site import Site
from tests.deploy.dockerfile import Builder, Image, base_images, instructions
from tests.deploy.tools import ROOT, Helm, find, lacks
from tests.test_architecture import locked

DOCKERFILE = ROOT / "Dockerfile"
USER = 65532
NOBODY = (
    *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c"),
    'mount -o remount,bind,ro / && exec "$@"',
    *("sh", "unshare", "--user", f"--map-user={USER}", f"--map-group={USER}"),
)
"""Runs a command as user 65532 without capabilities, in a mount namespace that is read-only."""


def test_hadolint_has_nothing_to_complain_about() -> None:
    """Every rule of hadolint, and none is switched off."""
    done = subprocess.run(
        [find("hadolint"), "--no-color", DOCKERFILE], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert "hadolint" not in DOCKERFILE.read_text()


def test_no_registry_is_named() -> None:
    """Images and packages come from where the builder says: no host stands in the file."""
    found = instructions(DOCKERFILE.read_text())
    assert set(base_images(found)) == {"python:${PYTHON}-slim"}
    assert not re.search(r"https?://|index-url|find-links|\b\w+\.(io|com|org)/", str(found))


class Built(NamedTuple):
    """The image, where its steps wrote, and what moves a path there."""

    image: Image
    builder: Builder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The Dockerfile performed on the files of version control."""
    folder = tmp_path_factory.mktemp("image")
    context, root, base = (folder / name for name in ("context", "root", "base"))
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (context / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, context / name)
    subprocess.run([sys.executable, "-m", "venv", base], check=True)
    builder = Builder(context, root, base / "bin")
    return Built(builder.build(), builder)


def inside(built: Built, *command: str) -> str:
    """What a command of the image prints."""
    program = shutil.which(command[0], path=built.image.environ["PATH"])
    assert program
    done = subprocess.run(
        [program, *command[1:]],
        env=built.image.environ,
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_it_holds_the_pinned_packages_and_nothing_else(built: Built) -> None:
    """Each package is in requirements.txt with its version; no pip, no build backend."""
    listing = inside(
        built,
        "python",
        "-c",
        "import json, importlib.metadata as m;"
        "print(json.dumps({d.name: d.version for d in m.distributions()}))",
    )
    found = {canonicalize_name(name): one for name, one in json.loads(listing).items()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert found.pop(canonicalize_name("chaosd")) == project["version"]
    assert found.items() <= locked("requirements.txt").items()
    assert len(found) >= len(project["dependencies"])


def test_what_builds_it_is_pinned_like_the_rest() -> None:
    """The build backend has the version and hashes of the development requirements."""
    assert locked("requirements-build.txt").items() <= locked("requirements-dev.txt").items()


def test_it_is_not_root_and_runs_what_the_chart_says(built: Built, helm: Helm) -> None:
    """A user by number, so that the kubelet can verify it; the chart's arguments fit."""
    assert built.image.user == f"{USER}:{USER}"
    assert built.image.entrypoint == ["chaosd"]
    spec = helm.one("Deployment")["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsUser"] == USER
    assert spec["containers"][0]["args"][:2] == built.image.command


class Pod:
    """The image's program as user 65532 on a read-only file system; ended with the block."""

    def __init__(self, built: Built, site: Site, *more: str) -> None:
        self.site = site
        image = built.image
        program = shutil.which(image.entrypoint[0], path=image.environ["PATH"])
        assert program
        arguments = (image.command[0], str(site.file), "--kubeconfig", str(site.kubeconfig), *more)
        self.log = site.folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*NOBODY, program, *arguments],
                env={**image.environ, "HOME": "/nonexistent"},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def __repr__(self) -> str:
        return self.log.read_text()

    def lines(self) -> list[dict[str, Any]]:
        """Its log so far."""
        return [
            json.loads(line)
            for line in self.log.read_text().splitlines(keepends=True)
            if line.endswith("\n")
        ]

    def address(self) -> str:
        """Where it serves."""

        def look() -> str:
            assert self.process.poll() is None, self.log.read_text()
            return next((one["address"] for one in self.lines() if one["event"] == "started"), "")

        found: str = self.site.until(look)
        return found


@pytest.fixture
def pod(built: Built, tmp_path: Path) -> Iterator[Pod]:
    """A pod on a simulated cluster, where some workloads have opted in."""
    probe = subprocess.run([*NOBODY, "id", "-u"], capture_output=True, text=True, check=False)
    if probe.stdout.strip() != str(USER):
        lacks(f"USER NAMESPACES ARE MISSING, so nothing can be made read-only: {probe.stderr}")
    with Site(tmp_path) as site:
        running = Pod(built, site, "--listen", "127.0.0.1:0")
        try:
            yield running
        finally:
            if running.process.poll() is None:
                running.process.kill()
                running.process.wait()


def test_it_runs_read_only_as_nobody(pod: Pod) -> None:
    """It becomes ready, evicts a pod, and ends with exit code 0 when it is told to."""
    address = pod.address()
    status = Path(f"/proc/{pod.process.pid}/status").read_text()
    assert re.search(r"^CapEff:\s0+$", status, re.MULTILINE)
    mounts = Path(f"/proc/{pod.process.pid}/mountinfo").read_text()
    assert re.search(r"^\d+ \d+ \S+ \S+ / ro,", mounts, re.MULTILINE)
    with httpx.Client(base_url=address, timeout=60) as client:
        pod.site.until(lambda: client.get("/readyz").status_code == 200, pod)
        assert client.get("/healthz").text == "ok\n"
        assert "chaosd_build_info" in client.get("/metrics").text
    pod.site.until(pod.site.removals, pod)
    pod.process.terminate()
    assert pod.process.wait(60) == 0
    assert pod.lines()[-1]["event"] == "stopped"
    assert not [one for one in pod.lines() if "exception" in one]


def test_the_first_configuration_of_the_chart_starts(helm: Helm) -> None:
    """What the chart mounts by default is what the program takes."""
    text = helm.one("ConfigMap")["data"]["chaosd.yaml"]
    assert load_text(text, {}).problems == ()
