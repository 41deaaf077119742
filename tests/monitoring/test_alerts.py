"""Each alert fires when it should, and does not when it should not."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitoring.files import ALERTS
from tests.monitoring.etcd_cases import ETCD_CASES
from tests.monitoring.prometheus import rules_hold, run
from tests.monitoring.rules import Case, Fires, alerts, document

RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"

# Two processes, of which one leads.
PAIR = {'leader{pod="a"}': "1x60", 'leader{pod="b"}': "0x60"}


def live(days: int, **changes: str) -> dict[str, str]:
    """A live policy that is open and expected to kill each hour, at steps of 5 minutes."""
    n = days * 288
    plain = {
        "window_open": f"1x{n}",
        "dry_run": f"0x{n}",
        "paused": f"0x{n}",
        "expected_kill_interval_seconds": f"3600x{n}",
        "candidates": f"4x{n}",
    }
    found = {
        f'{name}{{policy="web"{_EXTRA.get(name, "")}}}': values
        for name, values in {**plain, **changes}.items()
        if name != "halted"
    }
    return {**found, 'halted{source="command"}': changes.get("halted", f"0x{n}")}


_EXTRA = {"candidates": ', reason="eligible"'}


def silent(about: int) -> Fires:
    return Fires(
        "Policy web of chaosd kills nothing",
        "Policy web is live and open, had eligible workloads, and should have killed about"
        f" {about} times by now. It has not killed once.",
        {"policy": "web"},
    )


def budget(about: int) -> Fires:
    return Fires(
        "Disruption budgets refuse every kill of policy web",
        f"In a day, about {about} attempts of policy web met a PodDisruptionBudget that allowed"
        " nothing, and none killed. Such a budget also blocks node drains and upgrades.",
        {"policy": "web"},
    )


SKIPS = 'skips_total{policy="web", reason="disruptionBudget"}'
GETS = 'api_requests_total{verb="get", resource="pods", code="200"}'
DENIED = 'api_requests_total{verb="get", resource="pods", code="403"}'
EVICTIONS = 'api_requests_total{verb="create", resource="pods/eviction", code="429"}'

CASES = (
    Case(
        "never there",
        "ChaosdAbsent",
        {},
        "11m",
        Fires(
            "chaosd is not there",
            "No process of chaosd has been scraped for 10 minutes. Nothing is killed, but nobody"
            " watches what was killed before either.",
            base={},
        ),
    ),
    Case("there", "ChaosdAbsent", {'build_info{version="1"}': "1x60"}, "30m"),
    Case("a rollout", "ChaosdAbsent", {'build_info{version="1"}': "1x5 stale 1x20"}, "12m"),
    Case(
        "nobody leads",
        "ChaosdNoLeader",
        {'leader{pod="a"}': "1x5 0x30", 'leader{pod="b"}': "0x40"},
        "15m",
        Fires(
            "No process of chaosd leads",
            "For 5 minutes nobody has held the lease. Nothing is killed, and what was killed before"
            " is not observed.",
        ),
    ),
    Case("one leads", "ChaosdNoLeader", PAIR, "30m"),
    Case("a change", "ChaosdNoLeader", {'leader{pod="a"}': "1x5 0x3 1x30"}, "12m"),
    Case(
        "bad in one",
        "ChaosdConfigurationInvalid",
        {'configuration_valid{pod="a"}': "1x9", 'configuration_valid{pod="b"}': "0x9"},
        "6m",
        Fires(
            "The configuration of chaosd is invalid",
            "For 5 minutes the configuration file has had mistakes. Nothing new is killed until"
            " they are mended; what was killed before is observed.",
        ),
    ),
    Case("good", "ChaosdConfigurationInvalid", {"configuration_valid": "1x30"}, "30m"),
    Case("mended", "ChaosdConfigurationInvalid", {"configuration_valid": "0x3 1x30"}, "9m"),
    Case(
        "gone",
        "ChaosdLedgerUnusable",
        {"ledger_usable": "1x2 0x30"},
        "9m",
        Fires(
            "The ledger of chaosd can't be used",
            "For 5 minutes the ledger has been gone, unreadable or not to be trusted. Nothing is"
            " killed and nothing can be observed until it is.",
        ),
    ),
    Case("usable", "ChaosdLedgerUnusable", {"ledger_usable": "1x2 0x2 1x30"}, "9m"),
    Case(
        "two processes say two",
        "ChaosdNotRecovered",
        {'unrecovered{pod="a"}': "0x2 2x9", 'unrecovered{pod="b"}': "0x2 2x9"},
        "6m",
        Fires(
            "2 workload(s) did not recover after chaosd struck",
            "2 workload(s) lost a pod to chaosd and are not whole again past the deadline of the"
            " policy. `chaosd status` names them.",
        ),
    ),
    Case("all well", "ChaosdNotRecovered", {"unrecovered": "0x9"}, "6m"),
    Case("healed", "ChaosdNotRecovered", {"unrecovered": "0x2 1x2 0x9"}, "8m"),
    Case(
        "not given back",
        "ChaosdNodeHeldLong",
        {
            'node_held_since_timestamp_seconds{policy="weekly", pod="a"}': "0x90",
            'node_held_since_timestamp_seconds{policy="weekly", pod="b"}': "0x90",
        },
        "70m",
        Fires(
            "Policy weekly of chaosd does not give a node back",
            "A node has been out of service for 1h 10m 0s, taken by policy weekly. `chaosd undo`"
            " says which, and puts it back.",
            {"policy": "weekly"},
        ),
    ),
    Case(
        "within its time",
        "ChaosdNodeHeldLong",
        {'node_held_since_timestamp_seconds{policy="weekly"}': "0x50 stale 3600x40"},
        "80m",
    ),
    Case(
        "forgotten",
        "ChaosdHaltedLong",
        {'halted{source="annotation"}': "1x30", 'halted{source="command"}': "0x30"},
        "25h",
        Fires(
            "chaosd has been halted for a day",
            "A halt by annotation has been in force for a day. `chaosd status` says who made it and"
            " why.",
            {"source": "annotation"},
        ),
        every="1h",
    ),
    Case("an hour", "ChaosdHaltedLong", {'halted{source="command"}': "1x30"}, "1h"),
    Case(
        "resumed between",
        "ChaosdHaltedLong",
        {'halted{source="command"}': "1x20 0 1x20"},
        "30h",
        every="1h",
    ),
    Case(
        "forgotten",
        "ChaosdPausedLong",
        {'paused{policy="web"}': "1x30", 'paused{policy="api"}': "0x30"},
        "25h",
        Fires(
            "Policy web of chaosd has been paused for a day",
            "Policy web has been paused for a day. `chaosd status` says who paused it and why.",
            {"policy": "web"},
        ),
        every="1h",
    ),
    Case("an hour", "ChaosdPausedLong", {'paused{policy="web"}': "1x30"}, "1h"),
    Case("not once", "ChaosdSilent", live(1), "11h", silent(11), "5m"),
    Case("not ten yet", "ChaosdSilent", live(1), "9h", None, "5m"),
    Case(
        "one an hour ago",
        "ChaosdSilent",
        {**live(1), 'last_kill_timestamp_seconds{policy="web"}': "36000x288"},
        "11h",
        None,
        "5m",
    ),
    Case(
        "one the day before",
        "ChaosdSilent",
        {**live(2), 'last_kill_timestamp_seconds{policy="web"}': "3600x576"},
        "26h",
        silent(24),
        "5m",
    ),
    Case("dry run", "ChaosdSilent", live(1, dry_run="1x288"), "11h", None, "5m"),
    Case("halted", "ChaosdSilent", live(1, halted="1x288"), "11h", None, "5m"),
    Case("paused", "ChaosdSilent", live(1, paused="1x288"), "11h", None, "5m"),
    Case("nothing eligible", "ChaosdSilent", live(1, candidates="0x288"), "11h", None, "5m"),
    Case("closed", "ChaosdSilent", live(1, window_open="0x288"), "11h", None, "5m"),
    Case(
        "seldom, a month",
        "ChaosdSilent",
        live(29, expected_kill_interval_seconds=f"{2 * 86400}x8352"),
        "28d",
        silent(14),
        "2h",
    ),
    Case(
        "seldom, a week",
        "ChaosdSilent",
        live(7, expected_kill_interval_seconds=f"{2 * 86400}x2016"),
        "7d",
        None,
        "30m",
    ),
    Case(
        "never enough",
        "ChaosdBudgetAlwaysRefuses",
        {SKIPS: "0+1x20 20x999"},
        "20h",
        budget(20),
        "10m",
    ),
    Case("twice", "ChaosdBudgetAlwaysRefuses", {SKIPS: "0 1 2x999"}, "16h", None, "10m"),
    Case(
        "another workload could be killed",
        "ChaosdBudgetAlwaysRefuses",
        {SKIPS: "0+1x20 20x999", 'last_kill_timestamp_seconds{policy="web"}': "600x999"},
        "16h",
        None,
        "10m",
    ),
    Case(
        "another would have been",
        "ChaosdBudgetAlwaysRefuses",
        {
            SKIPS: "0+1x20 20x999",
            'attempts_total{policy="web", target="pod", result="dryRun"}': "0 1x999",
        },
        "16h",
        None,
        "10m",
    ),
    Case(
        "refused by the server too",
        "ChaosdBudgetAlwaysRefuses",
        {
            'attempts_total{policy="web", target="pod", result="refused"}': "0+1x20 20x999",
            SKIPS: "0+1x20 20x999",
        },
        "16h",
        budget(40),
        "10m",
    ),
    Case(
        "rights taken away",
        "ChaosdApiErrors",
        {GETS: "0+30x60", DENIED: "0+10x60"},
        "40m",
        Fires(
            "The API server does not answer chaosd as it should",
            "25% of the requests of chaosd to the API server fail. What it can't read or write it"
            " does not kill.",
        ),
    ),
    Case("refused evictions", "ChaosdApiErrors", {GETS: "0+30x60", EVICTIONS: "0+10x60"}, "40m"),
    Case("one hiccup", "ChaosdApiErrors", {GETS: "0+30x60", DENIED: "0x9 9x50"}, "20m"),
    Case(
        "nearly full",
        "ChaosdLedgerNearLimit",
        {"ledger_bytes": "829440x60"},
        "40m",
        Fires(
            "The ledger of chaosd is nearly full",
            "The ledger has 90% of the size above which nothing new is killed.",
        ),
    ),
    Case("room", "ChaosdLedgerNearLimit", {"ledger_bytes": "500000x60"}, "40m"),
    *ETCD_CASES,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert}: {case.name}")
def test_an_alert(tmp_path: Path, case: Case) -> None:
    """It fires with these labels and these words, or it doesn't."""
    rules_hold(tmp_path, document(case))


def test_each_alert_is_shown_to_fire_and_not_to_fire() -> None:
    """No alert is left out above."""
    shown = {(case.alert, case.fires is not None) for case in CASES}
    assert shown == {(name, fires) for name in alerts() for fires in (True, False)}


def test_promtool_finds_the_rules_well_formed() -> None:
    """Prometheus' own check agrees."""
    assert f"{len(alerts()) + 1} rules found" in run("check", "rules", ALERTS)


@pytest.mark.parametrize("name", sorted(alerts()))
def test_each_alert_says_what_to_do(name: str) -> None:
    """It has a severity, a summary, a description, and a runbook that is there."""
    rule = alerts()[name]
    assert rule["labels"]["severity"] in {"info", "warning", "critical"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{name}.md"
    assert (RUNBOOKS / f"{name}.md").is_file()


def test_there_is_a_runbook_for_alerts_alone() -> None:
    """An alert that is gone takes its runbook with it."""
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == {*alerts()}
