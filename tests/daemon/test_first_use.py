"""What the daemon's threads read first, they may read at the same time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_threads_read_things_of_a_kind_for_the_first_time_at_once() -> None:
    """The ledger, the lease, pods and nodes: no thread fails, and no process crashes."""
    command = [sys.executable, "-m", "tests.daemon.first_use"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr
