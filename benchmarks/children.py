"""Processes of their own: what is measured in one is not mixed with anything else."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

T = TypeVar("T")

ROOT = Path(__file__).parent.parent
_NOT_OURS = ("CHAOSD_", "KUBE", "POD_")
PATIENCE = 90.0


def environment() -> dict[str, str]:
    """This environment, without what would steer chaosd or lead it to a real cluster."""
    return {name: text for name, text in os.environ.items() if not name.startswith(_NOT_OURS)}


def start(
    *arguments: str, more: Mapping[str, str] = MappingProxyType({}), **options: Any
) -> subprocess.Popen[str]:
    """Start this Python with these arguments, where ``benchmarks`` can be imported, and with
    ``more`` in its environment."""
    command, environ = [sys.executable, *arguments], {**environment(), **more}
    return subprocess.Popen(command, cwd=ROOT, env=environ, text=True, **options)


def run(function: Callable[..., T], **arguments: Any) -> T:
    """Call a function of a module in a process of its own; arguments and result are JSON."""
    # `python -m benchmarks.name` calls its module __main__; children know it by its own name.
    name = f"{function.__module__}:{function.__qualname__}"
    child = start("-m", __name__, name, json.dumps(arguments), stdout=subprocess.PIPE)
    told, _ = child.communicate()
    if child.returncode:
        raise RuntimeError(f"{name} ended with exit code {child.returncode}")
    result: T = json.loads(told.splitlines()[-1])
    return result


def until(ask: Callable[[], T], what: object, seconds: float = PATIENCE, every: float = 0.01) -> T:
    """The first answer that is true; TimeoutError, with ``what``, when none comes in time."""
    end = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"it did not come within {seconds:.0f} s: {what}")
        time.sleep(every)


def _main() -> None:
    module, _, function = sys.argv[1].partition(":")
    call = getattr(importlib.import_module(module), function)
    print(json.dumps(call(**json.loads(sys.argv[2]))))


if __name__ == "__main__":
    _main()
