"""The lease: when it is taken, renewed and left, and that at most one believes it is its own."""

from __future__ import annotations

import heapq
import itertools
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from chaosd.core.lease import (
    DURATION,
    RENEW_EVERY,
    RETRY_EVERY,
    VALID_FOR,
    Decision,
    LeaseSpec,
    Sighting,
    decide,
    read_spec,
    released,
    write_spec,
)

NOW = datetime(2026, 3, 4, 10, 0, 0, 250_000, tzinfo=UTC)
STAMP = "2026-03-04T10:00:00.250000Z"
OLD = "2026-03-04T09:00:00.000000Z"
THEIRS = LeaseSpec("b", 15, OLD, OLD, 3)
MINE = LeaseSpec("a", 15, OLD, OLD, 3)


def asked(spec: LeaseSpec | None, sighting: Sighting | None = None, boot: float = 100) -> Decision:
    return decide("a", spec, "7", sighting, NOW, boot)


# ------------------------------------------------------------------ single decisions


def test_a_lease_that_does_not_exist_is_made() -> None:
    """Its first holder makes it, with no transition behind it."""
    assert asked(None) == Decision(None, LeaseSpec("a", 15, STAMP, STAMP, 0))


def test_its_holder_renews_it() -> None:
    """Since when it is held and the transitions stay; only the renewal is new."""
    assert asked(MINE).spec == LeaseSpec("a", 15, OLD, STAMP, 3)


@pytest.mark.parametrize("holder", [None, ""])
def test_a_free_lease_is_taken_at_once(holder: str | None) -> None:
    """One that was released, or that nobody ever held."""
    free = msgspec.structs.replace(THEIRS, holder_identity=holder)
    assert asked(free).spec == LeaseSpec("a", 15, STAMP, STAMP, 4)


@pytest.mark.parametrize(
    ("sighting", "boot", "taken"),
    [
        (None, 1e9, False),
        (Sighting("6", 0), 1e9, False),
        (Sighting("7", 100), 100, False),
        (Sighting("7", 100), 100 + DURATION, False),
        (Sighting("7", 100), 100.001 + DURATION, True),
    ],
)
def test_another_s_lease_is_taken_once_it_has_not_changed_for_its_duration(
    sighting: Sighting | None, boot: float, taken: bool
) -> None:
    """Counted from when this very state was first seen here, by the local clock alone."""
    decision = asked(THEIRS, sighting, boot)
    assert (decision.spec is not None) is taken
    kept = sighting if sighting and sighting.version == "7" else Sighting("7", boot)
    assert decision.sighting == kept
    if decision.spec is not None:
        assert decision.spec == LeaseSpec("a", 15, STAMP, STAMP, 4)


@pytest.mark.parametrize(
    ("duration", "waits"), [(None, 15), (0, 15), (-5, 15), (1, 15), (15, 15), (60, 60)]
)
def test_a_holder_is_waited_for_at_least_as_long_as_one_of_us(
    duration: int | None, waits: int
) -> None:
    """Whatever the lease says, nobody is cut short who believes in our duration."""
    spec = msgspec.structs.replace(THEIRS, lease_duration_seconds=duration)
    assert asked(spec, Sighting("7", 0), waits).spec is None
    assert asked(spec, Sighting("7", 0), waits + 0.001).spec is not None


@pytest.mark.parametrize("renewed", ["1970-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "no time"])
def test_the_holder_s_clock_does_not_matter(renewed: str) -> None:
    """Times that another machine wrote are never compared with ours."""
    spec = msgspec.structs.replace(THEIRS, renew_time=renewed)
    assert asked(spec, Sighting("7", 0), DURATION).spec is None
    assert asked(spec, Sighting("7", 0), DURATION + 1).spec is not None


@pytest.mark.parametrize("text", ["", "x", "[]", '{"holderIdentity": 7}', "[" * 10_000, "\ud800"])
def test_a_lease_that_can_t_be_read_is_somebody_s(text: str) -> None:
    """It is not taken before its unknown holder has had the time that we would have."""
    spec = read_spec(text)
    assert asked(spec).spec is None
    assert asked(spec, Sighting("7", 0), DURATION + 1).spec is not None


def test_a_lease_is_written_as_kubernetes_has_it() -> None:
    """The names of coordination.k8s.io/v1; what others add is no reason not to read it."""
    raw = json.loads(write_spec(THEIRS))
    assert raw == {
        "holderIdentity": "b",
        "leaseDurationSeconds": 15,
        "acquireTime": OLD,
        "renewTime": OLD,
        "leaseTransitions": 3,
    }
    assert read_spec(json.dumps(raw | {"preferredHolder": "c"})) == THEIRS
    assert read_spec("{}") == LeaseSpec()


def test_a_released_lease_can_be_taken_at_once() -> None:
    """By anybody, without waiting for its end."""
    free = released(MINE, NOW)
    assert (free.holder_identity, free.renew_time, free.lease_transitions) == ("", STAMP, 3)
    assert decide("b", free, "8", None, NOW, 0).spec is not None


def test_a_lease_outlasts_the_belief_in_it() -> None:
    """Renewals come several times within the time for which one is believed."""
    assert 2 * RENEW_EVERY + RETRY_EVERY < VALID_FOR < DURATION


# ------------------------------------------------------------------ several processes


class Belief(Struct):
    """That a process believes the lease its own, by true time: from an answer on."""

    holder: str
    start: float
    end: float


class Server:
    """The one Lease: changed by compare-and-swap."""

    def __init__(self) -> None:
        self.spec: LeaseSpec | None = None
        self.version = 0

    def swap(self, seen: int, spec: LeaseSpec) -> bool:
        if seen != self.version:
            return False
        self.spec, self.version = spec, self.version + 1
        return True


class World:
    """Processes and a Lease in true time, which none of them knows.

    Processes are generators that yield for how long they wait; each has a boot clock that begins
    anywhere, and a wall clock that goes wrong.
    """

    def __init__(self, seed: int, processes: int, faults: float, valid_for: float = VALID_FOR):
        self.rng = random.Random(seed)
        self.faults, self.valid_for = faults, valid_for
        self.server, self.now = Server(), 0.0
        self.beliefs: list[Belief] = []
        self.dead_from: dict[str, float] = {}
        self.names = [f"p{number}" for number in range(processes)]

    def run(self, seconds: float) -> None:
        order = itertools.count()
        queue = [(self.rng.uniform(0, 5), next(order), self.process(name)) for name in self.names]
        heapq.heapify(queue)
        while queue and queue[0][0] <= seconds:
            self.now, _, process = heapq.heappop(queue)
            wait = next(process, None)
            if wait is not None:
                heapq.heappush(queue, (self.now + wait, next(order), process))

    def delay(self) -> float:
        """How long a message takes, or a process stands still: mostly not for long."""
        if self.rng.random() < self.faults:
            return self.rng.choice([self.rng.uniform(0, 4), self.rng.uniform(0, 40)])
        return self.rng.uniform(0, 0.05)

    def wall(self) -> datetime:
        return NOW + timedelta(seconds=self.now + self.rng.uniform(-7200, 7200))

    def process(self, name: str) -> Iterator[float]:
        """What the daemon does: read, look at its clock, decide, swap, believe or not."""
        offset = self.rng.uniform(0, 1e6)
        sighting: Sighting | None = None
        held: Belief | None = None
        while self.now < self.dead_from.get(name, 1e9):
            yield self.delay()
            spec, version = self.server.spec, self.server.version
            yield self.delay()
            sent = self.now
            decision = decide(name, spec, str(version), sighting, self.wall(), sent + offset)
            sighting = decision.sighting
            if decision.spec is None:
                self.lose(held)
                held = None
                yield RETRY_EVERY
                continue
            yield self.delay()
            arrives = self.rng.random() >= self.faults / 2
            swapped = arrives and self.server.swap(version, decision.spec)
            yield self.delay()
            answered = self.rng.random() >= self.faults / 2
            if swapped and answered:
                held = self.believe(name, held, sent + self.valid_for)
            if held and self.rng.random() < self.faults / 20:
                yield from self.release(name, held)
                held = None
            yield RENEW_EVERY if swapped else RETRY_EVERY

    def believe(self, name: str, held: Belief | None, until: float) -> Belief | None:
        if held and held.end > self.now:
            held.end = max(held.end, until)
            return held
        if until <= self.now:
            return None
        self.beliefs.append(Belief(name, self.now, until))
        return self.beliefs[-1]

    def lose(self, held: Belief | None) -> None:
        if held:
            held.end = min(held.end, self.now)

    def release(self, name: str, held: Belief) -> Iterator[float]:
        self.lose(held)
        yield self.delay()
        spec, version = self.server.spec, self.server.version
        yield self.delay()
        if spec and spec.holder_identity == name:
            self.server.swap(version, released(spec, self.wall()))

    def overlaps(self) -> list[tuple[Belief, Belief]]:
        return [
            (one, other)
            for one, other in itertools.combinations(self.beliefs, 2)
            if one.holder != other.holder and max(one.start, other.start) < min(one.end, other.end)
        ]


@settings(max_examples=150)
@given(st.integers(0, 2**32), st.integers(2, 3), st.sampled_from([0.0, 0.05, 0.3, 0.6]))
def test_at_most_one_believes_that_the_lease_is_its_own(
    seed: int, processes: int, faults: float
) -> None:
    """Through late and lost messages, freezes, releases and clocks that tell any time."""
    world = World(seed, processes, faults)
    world.run(600)
    assert world.overlaps() == []


def test_the_simulation_finds_two_who_believe() -> None:
    """Were it believed in for longer than it lasts, the same runs would show two at once."""
    found = 0
    for seed in range(30):
        world = World(seed, 3, 0.3, valid_for=DURATION + 3)
        world.run(600)
        found += bool(world.overlaps())
    assert found > 0


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(2, 3))
def test_somebody_leads_soon_after_the_holder_died(seed: int, processes: int) -> None:
    """Without faults one process holds it for good; when that one dies, another follows within
    the lease's duration and a few tries."""
    world = World(seed, processes, faults=0.0)
    world.run(100)
    [first] = world.beliefs
    again = World(seed, processes, faults=0.0)
    again.dead_from[first.holder] = 50.0
    again.run(100)
    before, after = again.beliefs
    assert before.holder == first.holder != after.holder
    assert first.start < 6
    assert 50 - RENEW_EVERY - 1 < after.start < 50 + DURATION + 2 * RETRY_EVERY
    assert after.end > 100
