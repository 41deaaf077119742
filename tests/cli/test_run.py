"""``chaosd run``, as a process of its own, over HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from typing import Any

import pytest

from chaosd.sandbox import Denial
from tests.cli.shop import Shop
from tests.support.waiting import PATIENCE


def started(shop: Shop, *args: str) -> subprocess.Popen[str]:
    """Give the command; its log comes out of both streams."""
    command = [sys.executable, "-m", "chaosd.cli.main", "run", str(shop.file)]
    return subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "KUBECONFIG": str(shop.kubeconfig), "PYTHONUNBUFFERED": "1"},
    )


def lines_until(process: subprocess.Popen[str], *events: str) -> list[dict[str, Any]]:
    """Log lines until each of ``events`` was said, in whatever order: threads say them."""
    assert process.stdout is not None
    lines = []
    missing = set(events)
    for line in process.stdout:
        lines.append(json.loads(line))
        missing.discard(lines[-1]["event"])
        if not missing:
            return lines
    raise AssertionError(f"it ended without {missing}: {lines}")


def test_from_start_to_sigterm(shop: Shop) -> None:
    """It says what it can do, serves, answers commands, and ends with 0 when it is asked to."""
    # It strikes when it is told to: no slot comes meanwhile.
    shop.file.write_text(shop.file.read_text().replace("every: 1h", "every: 30d"))
    process = started(shop)
    try:
        lines = lines_until(process, "started", "leading")
        said = "\n".join(line["event"] for line in lines)
        assert "web: evicts one pod every 30d, within PodDisruptionBudgets" in said
        assert "PodDisruptionBudgets are respected by every policy." in said
        address = next(line["address"] for line in lines if line["event"] == "started")
        answer = shop.say("attempt", "web", "-o", "json")
        assert (answer.code, answer.json["result"]) == (0, "killed")
        with urllib.request.urlopen(f"{address}/", timeout=PATIENCE) as page:
            assert "chaosd halt" in page.read().decode()
        assert shop.say("status", "-f", shop.file, "-o", "json").json["leader"]["term"] == 1
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("resource", "words"), [("pods/eviction", "pods/eviction"), ("leases", "leases")]
)
def test_a_missing_permission_refuses_to_start(shop: Shop, resource: str, words: str) -> None:
    """Exit 1, and the log has the rule that grants it."""
    shop.server.api.access.deny(Denial("*", "*", resource))
    process = started(shop)
    log, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    rules = [json.loads(line).get("rule", "") for line in log.splitlines()]
    assert any(f"resources: [{words}]" in rule for rule in rules)


def test_an_invalid_file_refuses_to_start(shop: Shop) -> None:
    """Exit 2 with all mistakes, before anything is asked of the cluster."""
    shop.file.write_text("dryRun: maybe\nlimts: {}\n")
    answer = shop.say("run", shop.file)
    assert answer.code == 2
    assert ":1: dryRun" in answer.err
    assert ":2: limts" in answer.err
    assert shop.server.api.journal.requests == []
