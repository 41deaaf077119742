"""A helper that comes late and runs more than once strikes once at most, and that is known."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given, settings
from hypothesis import strategies as st

from chaosd.core.ledger import StepState
from chaosd.targets.helper import fence, helper_pod, strike
from tests.helper.machines import Machine
from tests.targets.helpers import (
    CRASH,
    HELPER,
    SECOND,
    helper_ended,
    helper_lab,
    helper_pod_of,
    order,
    run_containers,
)

# Seconds after the reservation; a helper may strike until the fortieth.
SECONDS = st.integers(0, 90)


class Story:
    """A crash: chaosd on one side, a node with its own clock on the other."""

    def __init__(self, folder: Path, skew: int, lag: int) -> None:
        self.lab = helper_lab()
        self.intent, self.step = order(self.lab, CRASH)
        self.arguments = helper_pod(self.intent, self.step)["spec"]["containers"][0]["args"]
        self.machine = Machine(folder)
        self.machine.container()
        self.skew, self.lag = skew, lag
        self.known: StepState | None = None
        self.struck_at: int | None = None

    def make(self, at: int) -> None:
        """The request to make the pod arrives."""
        strike(self.lab.reads, self.intent, self.step, 5.0)

    def run(self, at: int) -> None:
        """The kubelet runs the helper, again if it forgot that it did."""
        pod = helper_pod_of(self.lab)
        if pod is None or "deletionTimestamp" in pod["metadata"]:
            return
        self.machine.now[:] = [self.step.reserved_at + timedelta(seconds=at + self.skew)]
        code, said = self.machine.run(self.arguments)
        helper_ended(self.lab, code, said)
        if code == 0:
            assert self.known is None, f"struck after it was told {self.known}"
            self.struck_at = at
            for pid in (210, 211):
                self.machine.process(pid, 200, inner=(1,), state="Z")

    def look(self, at: int) -> None:
        """chaosd looks, until it knows; the node tells what happened a while later."""
        if self.struck_at is not None and at >= self.struck_at + self.lag:
            run_containers(self.lab, self.step.victim.name, app=SECOND)
        pod = helper_pod_of(self.lab)
        if pod is not None and "deletionTimestamp" in pod["metadata"]:
            self.lab.cluster.remove("pods", HELPER.namespace, pod["metadata"]["name"])
        if self.known is None:
            now = self.step.reserved_at + timedelta(seconds=at)
            self.known = fence(self.lab.reads, self.intent, self.step, now).known


@settings(max_examples=40, deadline=None)
@given(
    made=SECONDS,
    runs=st.lists(SECONDS, min_size=1, max_size=4),
    looks=st.lists(SECONDS, max_size=4),
    skew=st.integers(-9, 9),
    lag=st.integers(0, 10),
)
@example(made=0, runs=[5, 6], looks=[7], skew=0, lag=10)
@example(made=0, runs=[40, 41], looks=[42], skew=0, lag=10)
@example(made=46, runs=[47], looks=[44], skew=-9, lag=0)
@example(made=70, runs=[70], looks=[61], skew=-9, lag=0)
@example(made=0, runs=[49], looks=[61], skew=-9, lag=10)
def test_it_strikes_once_at_most_and_what_is_told_is_true(
    made: int, runs: list[int], looks: list[int], skew: int, lag: int
) -> None:
    """With clocks up to nine seconds apart, news up to ten seconds late, a request that arrives at
    any time, and a kubelet that runs it again and again."""
    with TemporaryDirectory() as folder:
        story = Story(Path(folder), skew, lag)
        events = [(made, 0, story.make)]
        events += [(at, 1, story.run) for at in runs]
        events += [(at, 2, story.look) for at in (*looks, 91, 92, 93)]
        for at, _, happens in sorted(events, key=lambda event: event[:2]):
            happens(at)
    assert len(story.machine.killed) <= 1
    assert story.known is not None
    assert (story.known is StepState.KILLED) == bool(story.machine.killed)
