"""Prometheus and promtool: a missing one is a loud skip on a laptop, and a failure in CI."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml


def program(name: str) -> str:
    """The path of ``prometheus`` or ``promtool``."""
    found = shutil.which(name)
    if found is None:
        what = f"{name} IS MISSING. On Debian, as root: apt-get install prometheus"
        if "CI" in os.environ:
            pytest.fail(what)
        pytest.skip(what)
    return found


def run(*arguments: str | Path) -> str:
    """What promtool says; fails unless it is content."""
    command = [program("promtool"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def rules_hold(folder: Path, document: dict[str, Any]) -> None:
    """`promtool test rules` on a document."""
    path = folder / "test.yaml"
    path.write_text(yaml.safe_dump(document))
    run("test", "rules", path)
