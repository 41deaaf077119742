"""Measuring what a strike costs an etcd cluster, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from chaosd.core.leaderless import EtcdCost
from chaosd.core.ledger import Intent, Verdict
from chaosd.targets.etcd_memory import EtcdMemory
from chaosd.targets.etcd_meter import EtcdLeaders, EtcdReads
from tests.core.ledgers import intent
from tests.support.clock import VirtualClock
from tests.targets.etcd_scripted import MAIN, NAMES, NOW, Around, Members, picture, play

ALL = set(NAMES.values())


class Lab:
    """Both meters of a process over a scripted cluster."""

    def __init__(self) -> None:
        self.clock = VirtualClock(NOW)
        self.around = Around(self.clock)
        self.around.declare(MAIN)
        self.memory = EtcdMemory({"main": picture(NOW)})
        self.members = Members(self.clock)
        self.reads = EtcdReads(self.around, self.memory, self.members)
        self.leaders = EtcdLeaders(self.around, self.memory, self.members)

    def holds(self, **changes: object) -> Intent:
        """An intent that holds the cluster begins."""
        held = intent(locks=("Etcd/main",), **changes)
        self.around.intents = {held.id: held}
        return held

    def runs(self, seconds: float, *steps: Callable[[], datetime]) -> None:
        play(self.clock, steps or (self.leaders.step, self.reads.step), seconds)

    def cost(self, held: Intent) -> EtcdCost:
        return self.memory.costs(held.id, self.clock.now())["main"]


def test_nothing_is_asked_while_no_intent_holds_the_cluster() -> None:
    """Idle, it only looks whether there is something to do; so with intents on something else."""
    lab = Lab()
    lab.runs(5)
    other = intent(locks=("shop/Deployment/web",))
    lab.around.intents = {other.id: other}
    lab.runs(5)
    assert lab.members.asked == []
    assert (lab.memory.read, lab.memory.led) == ({}, {})


@pytest.mark.parametrize(
    "changes", [{"dry_run": True}, {"verdict": Verdict.NOT_RECOVERED}], ids=["dry", "judged"]
)
def test_what_costs_nothing_or_has_told_its_cost_is_not_measured(
    changes: dict[str, object],
) -> None:
    """A cluster that stays broken after its verdict isn't asked ten times a second for ever."""
    lab = Lab()
    lab.holds(**changes)
    lab.runs(5)
    assert lab.members.asked == []


def test_only_who_leads_measures() -> None:
    """Standing by, a process asks nothing; once it leads it begins a trace of its own."""
    lab = Lab()
    held = lab.holds()
    lab.around.leading = False
    lab.runs(2)
    assert lab.members.asked == []
    lab.around.leading = True
    lab.runs(2)
    assert lab.cost(held).reads > 10


def test_a_cluster_that_is_well_costs_nothing() -> None:
    """About ten reads a second, each from the next member, none failed, a leader at all times."""
    lab = Lab()
    held = lab.holds()
    lab.runs(10)
    cost = lab.cost(held)
    assert 90 <= cost.reads <= 102
    assert (cost.failed, cost.leaderless, cost.read_gap, cost.leader_changes) == (0, 0, 0, 0)
    for endpoint in ALL:
        assert 30 <= lab.members.asked.count(("read", endpoint)) <= 34


def test_a_follower_that_is_down_costs_about_one_interval() -> None:
    """Its reads fail and the next member answers at once, as a client with failover has it."""
    lab = Lab()
    held = lab.holds()
    lab.runs(2)
    lab.members.down = {NAMES["b"]}
    lab.runs(5)
    cost = lab.cost(held)
    assert cost.failed > 10
    assert cost.leaderless == 0
    assert 0.05 < cost.read_gap < 0.15


def test_the_time_without_a_leader_is_measured_to_the_interval() -> None:
    """Two seconds in which nobody names one, then another leads: seconds and change are seen."""
    lab = Lab()
    held = lab.holds()
    lab.runs(2, lab.leaders.step)
    lab.members.named = ""
    lab.members.down = {NAMES["a"]}
    lab.runs(2, lab.leaders.step)
    lab.members.named = "b"
    lab.runs(2, lab.leaders.step)
    cost = lab.cost(held)
    assert abs(cost.leaderless - 2) < 0.15
    assert (cost.leader_changes, cost.reads) == (1, 0)


def test_one_member_that_names_nobody_does_not_make_a_cluster_leaderless() -> None:
    """A member that comes back knows no leader at first; the others do, and the leader itself."""
    lab = Lab()
    held = lab.holds()
    lab.members.named = "c"
    lab.members.lost = {NAMES["a"]}
    lab.runs(3, lab.leaders.step)
    assert lab.cost(held).leaderless == 0


def test_a_dead_leader_that_others_still_name_is_no_leader() -> None:
    """Followers name it until they elect another: only one that says so itself leads."""
    lab = Lab()
    held = lab.holds()
    lab.runs(1, lab.leaders.step)
    lab.members.down = {NAMES["a"]}
    lab.runs(2, lab.leaders.step)
    lab.members.named = "c"
    lab.runs(1, lab.leaders.step)
    cost = lab.cost(held)
    assert abs(cost.leaderless - 2) < 0.15
    assert cost.leader_changes == 1


def test_a_leader_at_an_unknown_place_is_taken_at_the_word_of_others() -> None:
    """Nobody has looked at the cluster yet, so that it can't be asked itself."""
    lab = Lab()
    lab.memory.pictures.clear()
    held = lab.holds()
    lab.members.down = {NAMES["a"]}
    lab.runs(2, lab.leaders.step)
    assert lab.cost(held).leaderless == 0


def test_while_all_is_well_only_the_leader_is_asked() -> None:
    """One request a sample, whoever it is."""
    lab = Lab()
    lab.holds()
    lab.members.named = "b"
    lab.runs(1, lab.leaders.step)
    lab.members.asked.clear()
    lab.runs(2, lab.leaders.step)
    assert {endpoint for _, endpoint in lab.members.asked} == {NAMES["b"]}


def test_nobody_to_ask_is_no_leader() -> None:
    """What lasts still counts up to now."""
    lab = Lab()
    held = lab.holds()
    lab.runs(1, lab.leaders.step)
    lab.members.down = ALL
    lab.runs(3, lab.leaders.step)
    assert abs(lab.cost(held).leaderless - 3) < 0.25


def test_the_gap_of_reads_lasts_from_answer_to_answer() -> None:
    """Reads that hang, as they do without a leader: each is given up after half a second."""
    lab = Lab()
    held = lab.holds()
    lab.runs(2, lab.reads.step)
    lab.members.hung = ALL
    lab.runs(3, lab.reads.step)
    lab.members.hung = set()
    lab.runs(2, lab.reads.step)
    cost = lab.cost(held)
    assert 3 <= cost.read_gap < 4.7
    assert 5 <= cost.failed <= 10
    assert cost.leaderless == 0


def test_sampling_begins_soon_enough_after_the_reservation() -> None:
    """Within a twentieth of a second, so before the strike, which looks at all members first."""
    lab = Lab()
    assert (lab.reads.step() - lab.clock.now()).total_seconds() <= 0.05
    assert (lab.leaders.step() - lab.clock.now()).total_seconds() <= 0.05


def test_where_nothing_is_declared_it_looks_less_often() -> None:
    """Once a second, for a reload."""
    lab = Lab()
    lab.around.declare()
    assert (lab.reads.step() - lab.clock.now()).total_seconds() == 1


def test_the_trace_of_a_closed_intent_is_forgotten() -> None:
    """Memory holds only what is open; an intent that begins then starts from nothing."""
    lab = Lab()
    held = lab.holds()
    lab.runs(2)
    assert held.id in lab.memory.read
    lab.around.intents = {}
    lab.runs(1)
    assert (lab.memory.read, lab.memory.led) == ({}, {})


def test_without_a_picture_the_declared_places_are_asked() -> None:
    """A process that has just taken over has not looked yet."""
    lab = Lab()
    lab.memory.pictures.clear()
    held = lab.holds()
    lab.runs(2)
    assert lab.cost(held).failed == 0


@pytest.mark.parametrize(
    ("looked", "gap", "changes"), [(0.2, 1.2, 1), (60, 0.0, 0)], ids=["before", "long ago"]
)
def test_a_strike_that_comes_before_the_first_sample_is_measured_from_the_guards_look(
    looked: float, gap: float, changes: int
) -> None:
    """The guard has just seen who led, and that reads were answered; of long ago nothing is
    known."""
    lab = Lab()
    lab.clock.advance(looked)
    lab.members.hung, lab.members.lost = set(ALL), set(ALL)
    held = lab.holds()
    lab.runs(0.9)
    lab.members.hung, lab.members.lost, lab.members.named = set(), set(), "b"
    lab.runs(2)
    cost = lab.cost(held)
    assert cost.leader_changes == changes
    assert cost.leaderless >= 0.9
    assert cost.read_gap >= gap
    assert bool(cost.read_gap) is bool(gap)
