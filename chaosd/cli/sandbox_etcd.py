"""The program behind ``chaosd sandbox --scenario etcd``: which one, and that it does not start."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from chaosd.cli.failures import Failed
from chaosd.cli.output import complain

if TYPE_CHECKING:
    from chaosd.sandbox.processes import Program

ANSWER_SECONDS = 20.0
_LINES = 10
_ETCD = "etcd Version: "
_HINT = "--etcd"


def find_etcd(
    given: Path | None, path: str | None = None, patience: float = ANSWER_SECONDS
) -> Path:
    """The program etcd: the ``given`` one, else one on the ``path`` (None: the PATH, and what
    `make tools` has built in a checkout). It is asked for its version, for ``patience`` seconds.

    Raises Failed where there is none, for nothing plays it, and BadParameter for another program.
    """
    if path is None:
        built = Path(__file__).parents[2] / ".tools" / "bin"
        path = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{built}"
    found = given or shutil.which("etcd", path=path)
    if found is None:
        raise Failed(
            "the members of the scenario etcd are real processes, and there is no program etcd.\n"
            "Any of these helps: install it so that it is on the PATH (Debian, Ubuntu: apt-get "
            "install etcd-server), say where it is by --etcd, or build it by `make tools` in a "
            "checkout of chaosd (it needs Go)."
        )
    if not os.access(found, os.X_OK):
        raise typer.BadParameter(f"{found} is no program", param_hint=_HINT)
    if otherwise := _not_etcd(found, patience):
        raise typer.BadParameter(
            f"{found} is not etcd: {otherwise}; write the path of the program etcd",
            param_hint=_HINT,
        )
    return Path(found)


def _not_etcd(program: Path | str, patience: float) -> str:
    """Why it is another program; "" if it is etcd."""
    try:
        asked = subprocess.run(
            [str(program), "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=patience,
            check=False,
        )
    except OSError as error:
        return f"it does not start: {error.strerror}"
    except subprocess.TimeoutExpired:
        return f"asked for its --version it does not end within {patience:g} s"
    text = asked.stdout.decode(errors="replace").strip()
    if text.startswith(_ETCD):
        return ""
    first = repr(text.splitlines()[0][:80]) if text else "nothing"
    return f"asked for its --version it says {first}"


def say_that_it_dies(member: Program) -> None:
    """That a member does not start, with what it wrote at last."""
    try:
        with member.log.open(encoding="utf-8", errors="replace") as log:
            last = [line.rstrip() for line in deque(log, _LINES)]
    except OSError:
        last = []
    wrote = "\n  ".join([f"the last lines of {member.log}:", *last]) if last else "it wrote nothing"
    who = f"the process of {member.log.stem} ({member.address})"
    complain(f"{who} ends at once, again and again; {wrote}")
