"""The console script as a whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.support import EXAMPLES, chaosd

COMMANDS = "run halt resume forgive attempt status explain check plan windows schema ledger".split()
HEAVY = ("kubernetes", "apscheduler", "starlette", "uvicorn", "prometheus_client", "structlog")


def test_help_names_every_command_and_the_exit_codes() -> None:
    """It fits a reader who knows nothing."""
    answer = chaosd("--help")
    assert answer.code == 0
    assert [name for name in COMMANDS if f" {name} " not in answer.out] == []
    assert "0 fine, 1 it went wrong, 2 the input is wrong" in answer.out


@pytest.mark.parametrize("name", [*COMMANDS, "ledger show", "ledger init", "ledger repair"])
def test_every_command_explains_itself(name: str) -> None:
    """Each has help of its own, and its short form."""
    answer = chaosd(*name.split(), "-h")
    assert answer.code == 0
    assert "Usage:" in answer.out


def test_the_version() -> None:
    """One line, also from a source tree that is not installed."""
    answer = chaosd("--version")
    assert (answer.code, answer.out.startswith("chaosd "), answer.out.count("\n")) == (0, True, 1)


@pytest.mark.parametrize(
    "args",
    [
        ("nope",),
        ("windows",),
        ("windows", "a", "b"),
        ("check", "x", "--output", "xml"),
        ("halt",),
        ("halt", "--reason", "  "),
        ("attempt",),
        ("attempt", "web", "--target", "web"),
        ("forgive", "web"),
        ("explain",),
        ("ledger", "nope"),
        ("run",),
        ("run", "/nonexistent.yaml"),
        ("run", str(EXAMPLES[0]), "--listen", "8080"),
    ],
)
def test_wrong_input_exits_2_without_a_traceback(args: tuple[str, ...]) -> None:
    """Missing and unknown arguments, and values that are none."""
    answer = chaosd(*args)
    assert answer.code == 2
    assert answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    "args",
    [
        ("status",),
        ("halt", "--reason", "release"),
        ("resume",),
        ("forgive", "shop/Deployment/web"),
        ("attempt", "web"),
        ("ledger", "show"),
        ("ledger", "init", "--yes"),
        ("ledger", "repair", "--yes"),
        ("explain", "-f", str(EXAMPLES[0])),
        ("run", str(EXAMPLES[0])),
    ],
)
def test_no_cluster_exits_1_in_one_line(args: tuple[str, ...]) -> None:
    """What went wrong and how to name a cluster."""
    answer = chaosd(*args)
    assert answer.code == 1
    assert len(answer.err.strip().splitlines()) == 1
    assert "kubeconfig" in answer.err


def imported_by(*args: str) -> set[str]:
    """The top-level modules that a command has imported at its end."""
    code = (
        "import sys\n"
        "from chaosd.cli.main import app\n"
        f"try: app({list(args)!r})\n"
        "except SystemExit: pass\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(ran.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    "args",
    [("--help",), ("check", str(EXAMPLES[0])), ("windows", str(EXAMPLES[0]))],
    ids=["help", "check", "windows"],
)
def test_what_needs_no_cluster_does_not_import_its_client(args: tuple[str, ...]) -> None:
    """They answer at once, also on a slow machine."""
    found = imported_by(*args)
    assert "typer" in found
    assert found.isdisjoint(HEAVY)


def test_the_module_can_be_run(tmp_path: Path) -> None:
    """``python -m chaosd.cli.main`` is the console script, with its exit codes."""
    command = [sys.executable, "-m", "chaosd.cli.main", "check", str(tmp_path / "none.yaml")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "no such file" in ran.stderr
