"""Giving commands, and what they answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from chaosd.cli.main import app

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = sorted((ROOT / "config").glob("*.yaml"))
NOWHERE = "/nonexistent/kubeconfig"


class Answer:
    """What a command wrote and how it exited."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    def __repr__(self) -> str:
        return f"exit {self.code}\n--- out\n{self.out}--- err\n{self.err}"


def chaosd(*args: object, stdin: str = "", **environ: str) -> Answer:
    """Give a command; there is no cluster unless KUBECONFIG names one.

    What is not foreseen raises, as it would end in a traceback.
    """
    env = {"KUBECONFIG": NOWHERE, "USER": "ann", "HOSTNAME": "laptop", **environ}
    result = CliRunner().invoke(app, [str(arg) for arg in args], input=stdin, env=env)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Answer(result.exit_code, result.stdout, result.stderr)


def config(folder: Path, text: str, name: str = "chaosd.yaml") -> Path:
    """Write a configuration file."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
