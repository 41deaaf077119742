"""How long things take, and the annotations that change it for one pod or node."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

from chaosd.sandbox.objects import Json, annotations_of

PREFIX = "sandbox.chaosd.io/"
SCHEDULE = PREFIX + "schedule-seconds"
"""From creation to being bound to a node."""
START = PREFIX + "start-seconds"
"""From being scheduled to Ready."""
STOP = PREFIX + "stop-seconds"
"""From deletion to being gone (never longer than the grace period)."""
RUN = PREFIX + "run-seconds"
"""How long a Job's pod runs before it succeeds."""
REBOOT = PREFIX + "reboot-seconds"
"""On a node: from the restart of its machine to Ready."""
NEVER_READY = PREFIX + "never-ready"
""" "true" keeps a pod unready, also one that runs already."""

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds, each drawn evenly from [low, high]."""

    schedule: Span = (0.05, 0.3)
    start: Span = (2.0, 5.0)
    stop: Span = (0.5, 2.0)
    run: Span = (30.0, 30.0)
    reboot: Span = (8.0, 15.0)

    @classmethod
    def instant(cls) -> Timings:
        """Everything takes no time (but Jobs, which run for 30 seconds)."""
        return cls(schedule=(0, 0), start=(0, 0), stop=(0, 0), reboot=(0, 0))


def pick(rng: random.Random, item: Json, annotation: str, span: Span) -> timedelta:
    """The object's own time from its annotation, or one drawn from the span."""
    drawn = rng.uniform(*span)
    text = annotations_of(item).get(annotation)
    if text is not None:
        try:
            return timedelta(seconds=max(0.0, float(text)))
        except ValueError:
            pass  # a typo in an annotation must not stop the cluster
    return timedelta(seconds=drawn)
