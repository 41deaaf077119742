"""Gauges say how things stand now, and nothing about what is gone."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from chaosd.core.ledger import Halt
from chaosd.ports import Standing
from chaosd.report.metrics import Metrics
from tests.report.scene import START, Scene, configuration, policy

FULL = Standing(
    leading=True,
    configuration_valid=True,
    halted={"annotation": Halt("somebody", "", START)},
    paused={"web": False, "api": True},
    window_open={"web": True, "api": False},
    dry_run={"web": False, "api": True},
    last_kills={"web": START},
    # A policy may be called `all`.
    limits_left={("", "perHour"): 3, ("api", "perDay"): 0, ("all", "perHour"): 1},
    kill_intervals={"web": 3600.0, "gone": 60.0},
    open_intents=2,
    unrecovered=1,
    ledger_bytes=1234,
    nodes_held={"web": 2, "removed": 1},
    held_since={"web": START, "removed": START},
    pods_left={"web": 7},
)


class Shown:
    """Gauges on a registry of their own."""

    def __init__(self, *standings: Standing) -> None:
        self.registry = CollectorRegistry()
        self.gauges = Metrics(self.registry, "0.1.0").gauges
        for standing in standings:
            self.gauges.standing(standing, START)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"chaosd_{name}", labels)

    def about(self, policy: str) -> list[str]:
        """The names of all series that a policy labels."""
        return [
            sample.name
            for family in self.registry.collect()
            for sample in family.samples
            if family.type == "gauge" and policy in sample.labels.values()
        ]


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("leader", {}, 1),
        ("configuration_valid", {}, 1),
        ("ledger_usable", {}, 1),
        ("ledger_bytes", {}, 1234),
        ("open_intents", {}, 2),
        ("unrecovered", {}, 1),
        ("halted", {"source": "annotation"}, 1),
        ("halted", {"source": "command"}, 0),
        ("halted", {"source": "configuration"}, 0),
        ("paused", {"policy": "api"}, 1),
        ("window_open", {"policy": "web"}, 1),
        ("window_open", {"policy": "api"}, 0),
        ("dry_run", {"policy": "api"}, 1),
        ("last_kill_timestamp_seconds", {"policy": "web"}, START.timestamp()),
        ("last_kill_timestamp_seconds", {"policy": "api"}, None),
        ("expected_kill_interval_seconds", {"policy": "web"}, 3600),
        ("expected_kill_interval_seconds", {"policy": "gone"}, None),
        ("limit_remaining", {"scope": "all", "policy": "", "limit": "perHour"}, 3),
        ("limit_remaining", {"scope": "policy", "policy": "api", "limit": "perDay"}, 0),
        ("limit_remaining", {"scope": "policy", "policy": "all", "limit": "perHour"}, 1),
        ("configuration_last_load_success_timestamp_seconds", {}, START.timestamp()),
    ],
)
def test_each_gauge_shows_its_part(name: str, labels: dict[str, str], value: Any) -> None:
    """A standing is taken apart into gauges."""
    assert Shown(FULL).value(name, **labels) == value


def test_a_policy_that_is_gone_leaves_no_gauge() -> None:
    """Nobody is alerted about a policy that was deleted."""
    shown = Shown(FULL)
    shown.gauges.planned({"web": START, "api": START})
    shown.gauges.sifted("api", {"eligible": 1})
    assert "chaosd_next_slot_timestamp_seconds" in shown.about("api")
    left = msgspec.structs.replace(
        FULL,
        paused={"web": False},
        window_open={"web": True},
        dry_run={"web": False},
        limits_left={("", "perHour"): 3},
        nodes_held={},
        held_since={},
        pods_left={},
    )
    shown.gauges.standing(left, START)
    shown.gauges.planned({"web": START})
    assert shown.about("api") == []
    assert len(shown.about("web")) == 6


@pytest.mark.parametrize(
    ("name", "policy_", "value"),
    [
        ("nodes_held", "web", 2),
        ("nodes_held", "removed", 1),
        ("node_held_since_timestamp_seconds", "removed", START.timestamp()),
        ("drain_pods_left", "web", 7),
    ],
)
def test_held_nodes_are_shown(name: str, policy_: str, value: float) -> None:
    """Also of a policy that was removed from the configuration: its node is owed all the same."""
    assert Shown(FULL).value(name, policy=policy_) == value


def test_a_node_that_is_back_is_held_no_more() -> None:
    """An alert on a node that is held too long ends."""
    free = msgspec.structs.replace(FULL, nodes_held={"web": 0}, held_since={}, pods_left={"web": 0})
    shown = Shown(FULL, free)
    assert shown.value("nodes_held", policy="web") == 0
    assert shown.value("node_held_since_timestamp_seconds", policy="web") is None
    assert shown.value("nodes_held", policy="removed") is None


def test_an_unusable_ledger_freezes_what_was_read_from_it() -> None:
    """An alert on a halt or an unrecovered workload does not end because the ledger is gone."""
    blind = Standing(leading=True, configuration_valid=True, unusable="it is gone")
    shown = Shown(FULL, blind)
    assert shown.value("ledger_usable") == 0
    assert shown.value("unrecovered") == 1
    assert shown.value("halted", source="annotation") == 1
    assert shown.value("window_open", policy="web") == 1


def test_only_a_leader_has_next_slots() -> None:
    """A process that leads no more does not go on promising slots."""
    shown = Shown(FULL)
    shown.gauges.planned({"web": START})
    shown.gauges.standing(msgspec.structs.replace(FULL, leading=False), START)
    assert shown.value("leader") == 0
    assert shown.value("next_slot_timestamp_seconds", policy="web") is None
    assert shown.value("expected_kill_interval_seconds", policy="web") is None


def test_reasons_of_an_older_survey_go_away() -> None:
    """A reason that the newest survey of that policy did not find is not shown any more."""
    shown = Shown(FULL)
    shown.gauges.sifted("web", {"eligible": 4, "rollout": 2})
    shown.gauges.sifted("api", {"rollout": 9})
    shown.gauges.sifted("web", {"tooYoung": 6})
    assert shown.value("candidates", policy="web", reason="tooYoung") == 6
    assert shown.value("candidates", policy="web", reason="rollout") is None
    assert shown.value("candidates", policy="web", reason="eligible") == 0
    assert shown.value("candidates", policy="api", reason="rollout") == 9


def test_the_last_load_is_remembered_through_a_bad_file() -> None:
    """A file that turns bad changes validity, not the time of the last good load."""
    bad = msgspec.structs.replace(FULL, configuration_valid=False)
    shown = Shown(FULL)
    later = START.replace(hour=11)
    shown.gauges.standing(bad, later)
    name = "configuration_last_load_success_timestamp_seconds"
    assert (shown.value("configuration_valid"), shown.value(name)) == (0, START.timestamp())
    shown.gauges.standing(FULL, later)
    assert shown.value(name) == later.timestamp()


def test_the_engine_fills_the_gauges() -> None:
    """What the observer tells a real report arrives."""
    scene = Scene(configuration(policy(), halted=True))
    scene.observer.step()
    assert scene.value("chaosd_leader") == 1
    assert scene.value("chaosd_halted", source="configuration") == 1
    assert scene.value("chaosd_limit_remaining", scope="all", policy="", limit="concurrent") == 1
    assert (scene.value("chaosd_ledger_bytes") or 0) > 10


def test_who_leads_is_asked_at_each_scrape() -> None:
    """What was true at the last look at the ledger may have passed since."""
    shown = Shown(FULL)
    leading = True
    shown.gauges.leads(lambda: leading)
    assert shown.value("leader") == 1
    leading = False
    assert shown.value("leader") == 0
    shown.gauges.standing(FULL, START)
    assert shown.value("leader") == 0
