"""Threads that read things of a kind for the first time, all at once: run as a program.

msgspec learns a type when it is first used, and a process in which two threads make it do so at
once may crash, so this forks a new process for each try.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

from chaosd.core import lease, ledger_text
from chaosd.core.ledger import Ledger
from chaosd.daemon.clocks import SystemClock
from chaosd.kube.api import Api
from chaosd.kube.records import Node, Pod
from chaosd.kube.resources import NODES, PODS
from tests.support.scripted import ScriptedTransport, reply

TRIES = 40
THREADS = 6
META = b'"metadata": {"name": "x", "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {}}'
CONDITIONS = b'"status": {"conditions": [{"type": "Ready", "status": "True"}]}'
SPEC = b'"spec": {"containers": [{"image": "x", "ports": [{"containerPort": 80}]}]}'
POD = b"{%s, %s, %s}" % (META, SPEC, CONDITIONS)
NODE = b"{%s, %s}" % (META, CONDITIONS)


def readers() -> list[Callable[[], object]]:
    """What the threads of a daemon read."""
    text, spec = ledger_text.encode(Ledger()), lease.write_spec(lease.LeaseSpec("somebody", 15))
    pods = Api(ScriptedTransport([reply(200, POD)] * THREADS), SystemClock())
    nodes = Api(ScriptedTransport([reply(200, NODE)] * THREADS), SystemClock())
    return [
        lambda: ledger_text.decode(text),
        lambda: lease.read_spec(spec),
        lambda: pods.get(PODS, "shop", "x", Pod),
        lambda: nodes.get(NODES, None, "x", Node),
    ]


def read_at_once() -> int:
    """Read everything on several threads; how many of them failed."""
    work = readers() * THREADS
    gate, failed = threading.Barrier(len(work)), []

    def run(read: Callable[[], object]) -> None:
        gate.wait()
        try:
            read()
        except Exception as error:  # noqa: BLE001 - whatever it is
            failed.append(error)

    threads = [threading.Thread(target=run, args=(read,)) for read in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(failed)


def main() -> None:
    """Fork, try, count; exit 1 when a process failed or crashed."""
    sys.setswitchinterval(1e-6)
    crashed = 0
    for _ in range(TRIES):
        child = os.fork()
        if child == 0:
            os._exit(min(read_at_once(), 1))
        crashed += os.waitpid(child, 0)[1] != 0
    sys.exit(f"{crashed} of {TRIES} processes crashed or failed" if crashed else 0)


if __name__ == "__main__":
    main()
