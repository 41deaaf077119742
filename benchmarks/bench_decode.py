"""Reading pages of pods: chaosd's projections against the official client's models, same bytes.

Also what the official client costs before its first request, and the memory of reading many pages.
Run with `python -m benchmarks.bench_decode`.
"""

# ruff: noqa: ARG002 - a transport takes what it takes
from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial

from benchmarks.bench_schedule import cpu_seconds
from benchmarks.big_pods import page
from chaosd.kube.api import PAGE, Api
from chaosd.kube.reads import KubeReads
from chaosd.kube.retry import NO_RETRIES
from chaosd.kube.transport import Query, Reply

PAGES = 10
GOAL = 20.0
_MEASURE = """
import time
def resident():
    with open("/proc/self/status") as file:
        return int(next(line for line in file if line.startswith("VmRSS")).split()[1]) / 1024
before, begin = resident(), time.process_time()
{work}
print(time.process_time() - begin, resident() - before)
"""
_READ_MANY = """
from benchmarks.bench_decode import read_pods
from benchmarks.big_pods import page
read_pods([page(0, 500)])
before, begin = resident(), time.process_time()
read_pods([page(0, 500)] * {pages})
"""


class Canned:
    """A transport that gives the same pages to whoever asks, and tokens to go on."""

    def __init__(self, pages: list[bytes]) -> None:
        self._pages = pages

    def send(
        self,
        method: str,
        path: str,
        query: Query,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float,
    ) -> Reply:
        """The page that the continue token names."""
        number = int(dict(query).get("continue", "0"))
        found = self._pages[number]
        if number + 1 < len(self._pages):
            found = found.replace(
                b'{"resourceVersion"', b'{"continue":"%d","resourceVersion"' % (number + 1), 1
            )
        return Reply(200, {}, found)


class NoClock:
    """A clock that stands still: nothing here is about time."""

    def now(self) -> datetime:
        """One instant."""
        return datetime(2026, 11, 23, 10, tzinfo=UTC)

    def boot(self) -> float:
        """One instant."""
        return 0.0


def read_pods(pages: list[bytes], *, metadata: bool = False) -> int:
    """Read all pods as facts, page by page, as a survey does; how many."""
    reads = KubeReads(Api(Canned(pages), NoClock(), retry=NO_RETRIES))
    found = reads.pod_metadata(None, "") if metadata else reads.pods("", "")
    return sum(len(one) for one in found)


def official_models(pages: list[bytes]) -> int:
    """Decode all pods as the official client does when it is asked for its models."""
    from kubernetes.client.api_client import ApiClient  # noqa: PLC0415 - only here

    client = ApiClient()
    lists = (client.deserialize(one.decode(), "V1PodList", "application/json") for one in pages)
    return sum(len(one.items) for one in lists)


def only_json(pages: list[bytes]) -> int:
    """Decode all pods into dicts by the standard library."""
    return sum(len(json.loads(one)["items"]) for one in pages)


def measured(work: str) -> Iterator[float]:
    """CPU seconds and MB of a piece of code in a process of its own."""
    code = _MEASURE.format(work=work)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return map(float, done.stdout.split())


def main() -> None:
    """Print a line for each way to read, then what else it costs."""
    pages = [page(number * PAGE, PAGE) for number in range(PAGES)]
    size = sum(map(len, pages)) / 1e6
    print(f"{PAGES} pages of {PAGE} pods, {size:.0f} MB, {size * 1e3 / PAGES / PAGE:.1f} KB each")
    ways = {
        "chaosd, facts of pods": partial(read_pods, pages),
        "chaosd, metadata only": partial(read_pods, pages, metadata=True),
        "json.loads alone": partial(only_json, pages),
    }
    print(f"{'':28} {'CPU s':>7} {'ratio':>7}")
    slow, _ = cpu_seconds(partial(official_models, pages[:2]), repeat=1)
    slow *= PAGES / 2
    print(f"{'official client, models':28} {slow:7.3f} {1:7.1f}")
    for name, work in ways.items():
        seconds, _ = cpu_seconds(work)
        goal = f"   (goal: {GOAL:.0f})" if name.endswith("pods") else ""
        print(f"{name:28} {seconds:7.3f} {slow / seconds:7.1f}{goal}")
    imported = "import kubernetes.client.api_client, kubernetes.config"
    for name, code in {
        "import of the official client": imported,
        "reading 10 pages": _READ_MANY.format(pages=10),
        "reading 100 pages": _READ_MANY.format(pages=100),
    }.items():
        seconds, megabytes = measured(code)
        print(f"{name:30} {seconds:7.3f} CPU s, {megabytes:+.0f} MB")


if __name__ == "__main__":
    main()
