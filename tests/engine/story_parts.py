"""What the stories share: when they begin, their policies, two processes, and one who halts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from chaosd.core.ledger import Halt
from chaosd.core.model import Action, Configuration, Limits, Policy, Select, TargetKind
from chaosd.core.preview import policy_slots
from chaosd.core.schedule import Every
from chaosd.core.window import Windows
from chaosd.engine.book import Book
from chaosd.engine.halt import Halting, resume_now
from tests.engine.world import Daemon, World

START = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
ALWAYS = Windows("UTC", (), ())


def story_policy(
    name: str, target: TargetKind, action: Action, *, every: int, deadline: int, **more: Any
) -> Policy:
    """A live policy without limits and rests of its own; ``every`` and ``deadline`` in seconds."""
    return Policy(
        name=name,
        target=target,
        action=action,
        schedule=Every(timedelta(seconds=every), timedelta(0)),
        select=Select(min_age=timedelta(0)),
        windows=ALWAYS,
        limits=Limits(),
        deadline=timedelta(seconds=deadline),
        cooldown=timedelta(0),
        dry_run=False,
        **more,
    )


def live(policy: Policy, per_hour: int, **more: Any) -> Configuration:
    """A configuration of this policy alone, with one intent at once."""
    limits = Limits(per_hour=per_hour, per_day=20, concurrent=1)
    return Configuration(ALWAYS, (policy,), dry_run=False, limits=limits, **more)


def two_processes(world: World) -> Daemon:
    """One process, which will lead, and three seconds later another. Returns the first."""
    first = world.spawn("a")
    world.at(3, lambda: world.spawn("b"))
    return first


def first_slot(world: World, configuration: Configuration) -> float:
    """Seconds until the policy's first slot: its offset is seeded."""
    system = world.sandbox.cluster.get("namespaces", "", "kube-system") or {}
    until = START + timedelta(minutes=9)
    slots = policy_slots(configuration, system["metadata"]["uid"], {}, START, until)
    return (next(slots).at - START).total_seconds()


class Person:
    """Somebody with a command line: halts, and resumes ``rest`` seconds after it was acknowledged.

    ``target`` is the port that their command settles strikes on ``kind`` by.
    """

    def __init__(self, world: World, kind: TargetKind, target: Any, rest: float) -> None:
        self.world = world
        self.book = Book(world.wrapped("ledger", world.ports().ledger))
        self._rest = rest
        self._halting = Halting(
            self.book,
            world.time,
            {kind: world.wrapped("target", target)},
            Halt("somebody", "trying it", world.time.now()),
        )

    def halt(self) -> None:
        """Step until it is acknowledged, trying again after an error, as a person would."""
        world = self.world
        progress = world.command("halt", self._halting.step)
        if progress is None or not progress.acknowledged:
            world.at(world.elapsed() + 1, self.halt)
            return
        world.halted.append((world.time.now(), None))
        world.at(world.elapsed() + self._rest, self.resume)

    def resume(self) -> None:
        """Take it back."""
        world = self.world
        if world.halted and world.halted[-1][1] is None:
            world.halted[-1] = (world.halted[-1][0], world.time.now())
        if world.command("resume", lambda: resume_now(self.book) or True) is None:
            world.at(world.elapsed() + 1, self.resume)
