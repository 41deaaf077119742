"""Reading pages of pods: chaosd's projections against the official client's models, same bytes."""

# ruff: noqa: ARG002 - a transport takes what it takes
from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial

from benchmarks.big_pods import page
from benchmarks.figures import Figure
from benchmarks.lab import Lab
from benchmarks.timing import fastest
from chaosd.kube.api import Api
from chaosd.kube.reads import KubeReads
from chaosd.kube.retry import NO_RETRIES
from chaosd.kube.transport import Query, Reply

FACTS = "chaosd, facts of pods"
GOAL = 1 / 20
"""Of the CPU time that the official client takes for its models."""


def measure(lab: Lab) -> Iterator[Figure]:
    """Each way to read the same pages, in CPU seconds for all of them."""
    scale = lab.scale
    pages = [page(number * scale.pods, scale.pods) for number in range(scale.pages)]
    size = sum(map(len, pages))
    yield Figure(f"{scale.pages} pages of {scale.pods} pods", size / 1e6, "MB")
    yield Figure("  each pod", size / 1e3 / scale.pods / scale.pages, "KB")
    some = pages[: scale.modelled_pages]
    official_models(some[:1])
    slow = fastest({"": partial(official_models, some)}, 1)[""] * len(pages) / len(some)
    against = "the official client"
    yield Figure(f"the official client's models (from {len(some)} pages)", slow, "CPU s")
    ways = {
        "json.loads alone": partial(only_json, pages),
        FACTS: partial(read_pods, pages),
        "chaosd, metadata alone": partial(read_pods, pages, metadata=True),
    }
    for name, seconds in fastest(ways, scale.repeat).items():
        goal = GOAL if name == FACTS else None
        yield Figure(name, seconds, "CPU s", slow, against, ratio_at_most=goal)


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
