"""``chaosd sandbox``: its scenarios and their configurations."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chaosd.cli.sandbox import ended_by_signals
from chaosd.cli.stage import SCENARIOS
from chaosd.config import load_text
from chaosd.core.model import Code, Configuration
from chaosd.kube.api import Api
from chaosd.kube.node_reads import KubeNodeReads
from chaosd.ports import Scope
from chaosd.sandbox import Api as SandboxApi
from chaosd.sandbox import Cluster
from chaosd.targets.nodes import NodeTarget
from tests.cli.support import ROOT, chaosd
from tests.support.clock import VirtualClock
from tests.support.inprocess import InProcessTransport
from tests.support.waiting import PATIENCE


def configuration(scenario: str) -> Configuration:
    path: Path = ROOT / "chaosd" / "cli" / SCENARIOS[scenario][1]
    loaded = load_text(path.read_text(), {})
    assert loaded.configuration is not None, loaded.problems
    return loaded.configuration


@contextmanager
def started(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The sandbox in a process of its own, with its temporary files in ``folder``; it runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "chaosd.cli.main", "sandbox", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        assert any("kubeconfig " in line for line in process.stdout)
        assert [*folder.iterdir()] != []
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.usefixtures("_hears_the_terminal")
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_cleans_up_when_it_is_asked_to_end(tmp_path: Path, asked: signal.Signals) -> None:
    """By Ctrl-C, by a service manager, by a terminal that is closed, which may say it twice: exit
    0, and nothing of it is left."""
    with started(tmp_path) as process:
        process.send_signal(asked)
        if asked is not signal.SIGINT:
            process.send_signal(asked)
        said = process.communicate(timeout=PATIENCE)[0]
        assert process.returncode == 0, said
    assert "stopping" in said
    assert "Traceback" not in said
    assert [*tmp_path.iterdir()] == []


def test_it_outlives_its_terminal_when_told_to(tmp_path: Path) -> None:
    """As by nohup, which has SIGHUP ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with started(tmp_path) as process:
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=PATIENCE)[0]
            assert process.returncode == 0, said
    finally:
        signal.signal(signal.SIGHUP, before)
    assert "stopping" in said


def test_a_demo_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    """Cut short it has shown nothing: exit 130, as an interrupted command, and nothing is left."""
    with started(tmp_path, "--demo") as process:
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=PATIENCE)[0]
        assert process.returncode == 130, said
    assert "Traceback" not in said
    assert [*tmp_path.iterdir()] == []


@pytest.mark.usefixtures("_hears_the_terminal")
def test_signals_mean_what_they_did_when_it_has_ended() -> None:
    """Whoever runs it in a process of his own keeps his handlers; a second Ctrl-C is the usual."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(one) for one in numbers]
    for one in numbers:
        with ended_by_signals() as asked:
            assert not asked
            signal.raise_signal(one)
            assert asked
        assert [signal.getsignal(one) for one in numbers] == before
    with ended_by_signals() as asked:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert [signal.getsignal(one) for one in numbers] == before


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_scenario_has_a_valid_configuration(scenario: str) -> None:
    """It is live: nothing real is there to be hurt."""
    assert not configuration(scenario).dry_run


def test_the_demo_is_of_one_scenario() -> None:
    """Exit 2, and what may be written instead."""
    answer = chaosd("sandbox", "--demo", "--scenario", "nodes")
    assert answer.code == 2
    assert "shop" in answer.err
    assert chaosd("sandbox", "--scenario", "moon").code == 2


def test_the_nodes_are_judged_as_the_page_says() -> None:
    """Two can be drained; each of the others is spared for its own reason."""
    clock = VirtualClock()
    cluster = SCENARIOS["nodes"][0](Cluster(clock.now, seed=11))
    reads = KubeNodeReads(Api(InProcessTransport(SandboxApi(cluster)), clock))
    known = configuration("nodes")
    scope = Scope(known, known.policies[0], clock.now())
    target = NodeTarget(reads)
    found: dict[str, set[Code]] = {}
    for one in target.survey(scope, None):
        inside = [] if one.reasons else target.examine(scope, one).reasons
        found[one.workload.name] = {reason.code for reason in (*one.reasons, *inside)}
    assert found == {
        "general-1": set(),
        "general-2": {Code.NOT_OPTED_IN},
        "general-3": {Code.LOCAL_STORAGE},
        "spot-1": set(),
        "spot-2": {Code.DISRUPTION_BUDGET},
        "spot-3": {Code.NO_CONTROLLER},
    }
    page = (ROOT / "docs" / "sandbox.md").read_text()
    assert all(f"`{name}`" in page for name in found)
