"""What a configuration can do to a cluster, in plain words."""

from __future__ import annotations

import pytest

from chaosd.config import load_text
from chaosd.core.model import TargetKind
from chaosd.engine.preflight import Outlook, outlook, permission_words
from chaosd.kube.node_reads import KubeNodeReads
from chaosd.kube.permissions import Need
from chaosd.sandbox import Cluster, scenarios
from chaosd.targets.nodes import NodeTarget
from chaosd.targets.pods import PodTarget
from tests.support.lab import Lab

POLICY = "{name: web, target: pod, action: evict, schedule: {every: 1h}}"


def file(policies: str = f"[{POLICY}]", top: str = "dryRun: false") -> str:
    return f"{top}\nseed: abc\nwindows: {{allow: always}}\npolicies: {policies}\n"


def looked(text: str, *, empty: bool = False) -> Outlook:
    lab = Lab()
    with lab.filled() as cluster:
        if not empty:
            fill(cluster)
    loaded = load_text(text, {})
    assert loaded.configuration, loaded.problems
    targets = {TargetKind.POD: PodTarget(lab.reads)}
    return outlook(loaded.configuration, targets, lab.clock.now())


def fill(cluster: Cluster) -> None:
    for name in ("web", "api", "cart"):
        scenarios.deployment(cluster, "shop", name, 3, opt_in=True)
    scenarios.deployment(cluster, "shop", "one", 1, opt_in=True)
    scenarios.deployment(cluster, "shop", "not", 3, opt_in=False)


def test_workloads_are_counted_and_kills_expected() -> None:
    """Of four that opted in three are big enough; every hour is 140 a week under the day's 20."""
    found = looked(file())
    (policy,) = found.policies
    assert (policy.workloads, policy.eligible) == (4, 3)
    assert policy.counts["tooFewReplicas"] == 1
    assert policy.a_week == pytest.approx(168)
    assert found.kills_a_week == pytest.approx(140)
    words = "\n".join(found.says)
    assert "web: evicts one pod every 1h, within PodDisruptionBudgets" in words
    assert "3 are candidates now (not the others: tooFewReplicas 1)" in words
    assert "6 an hour, 20 a day, 1 at once" in words
    assert "respected by every policy" in words


def test_mean_times_count_each_workload() -> None:
    """Four at a week each are four a week; what is too small now may grow."""
    text = file(f"[{POLICY.replace('every: 1h', 'meanTimeBetweenKills: 1w, minGap: 12h')}]")
    found = looked(text)
    assert found.kills_a_week == pytest.approx(4)
    assert "of each workload every 1w on average, at least 12h apart" in "\n".join(found.says)


@pytest.mark.parametrize(
    ("every", "kills"),
    [("1w", "about 1 kill a week"), ("4d", "about 1.8 kills a week"), ("1d", "about 7 kills a w")],
)
def test_one_kill_is_no_kills(every: str, kills: str) -> None:
    """Of the policy and of all together; a dry run counts its own."""
    once = file(f"[{POLICY.replace('1h', every)}]")
    words = "\n".join(looked(once).says)
    assert f"Expect {kills}" in words
    assert f"within PodDisruptionBudgets: {kills}" in words
    dry = "\n".join(looked(once.replace("dryRun: false", "dryRun: true")).says)
    assert kills.replace("kill", "dry run") in dry


def test_bypassing_budgets_is_shouted() -> None:
    """It stands in a line of its own, with the policies' names."""
    rough = POLICY.replace("web", "rough").replace("}}", "}, pdb: bypass}")
    words = looked(file(f"[{POLICY}, {rough}]")).says
    assert any(line.startswith("PodDisruptionBudgets are BYPASSED by rough") for line in words)
    assert any("rough: deletes one pod" in line for line in words)


def test_a_dry_run_says_that_nothing_is_touched() -> None:
    """No kill is expected of it, and its own sentence is in the conditional."""
    found = looked(file(top="dryRun: true"))
    assert found.kills_a_week == 0
    assert found.says[0].startswith("Every policy is a dry run: nothing is touched")
    assert "web: DRY RUN: would evict" in found.says[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (file("[]"), "There is no policy: nothing will ever be struck."),
        (file(top="dryRun: false\nhalted: true"), "halted: true, so nothing is struck"),
    ],
)
def test_what_never_strikes_says_so(text: str, words: str) -> None:
    """No policy, and a halt in the file."""
    assert words in looked(text).says[0]


def test_a_cluster_in_which_nothing_opted_in() -> None:
    """It is said, and no kill is expected."""
    found = looked(file(), empty=True)
    assert found.kills_a_week == 0
    assert "no workload has opted in" in "\n".join(found.says)


def test_windows_are_said_with_their_zone_and_state() -> None:
    """Monday 09:00 in UTC: the office is open until five."""
    text = file().replace(
        "allow: always", 'allow: [{weekly: {days: Mon-Fri, from: "09:00", to: "17:00"}}]'
    )
    words = "\n".join(looked(text).says)
    assert "Open: Mon-Fri 09:00-17:00 UTC (now open until 2026-01-05T17:00:00Z)." in words


def test_a_missing_permission_names_the_rule_that_grants_it() -> None:
    """What for, where, and the YAML to add; one that chaosd can do without is marked."""
    needs = [
        Need("", "pods/eviction", ("create",), "killing, for policy web"),
        Need("", "events", ("create",), "telling", namespace="shop", required=False),
    ]
    first, second = permission_words(needs)
    assert first.startswith("missing: create pods/eviction, for killing, for policy web; add to a")
    assert 'ClusterRole:\n- apiGroups: [""]\n  resources: [pods/eviction]' in first
    assert second.startswith("missing, chaosd does without:")
    assert "Role in namespace shop" in second


def nodes_looked(policy: str) -> Outlook:
    """What is said of nodes: two of four opted in, one of these is cordoned."""
    lab = Lab()
    with lab.filled() as cluster:
        for name, opted, cordoned in (
            ("n1", True, False),
            ("n2", True, True),
            ("n3", None, False),
        ):
            scenarios.node(cluster, name, opt_in=opted)
            with cluster.edit("nodes", "", name) as item:
                item["spec"]["unschedulable"] = cordoned
    loaded = load_text(file(f"[{policy}]"), {})
    assert loaded.configuration, loaded.problems
    targets = {TargetKind.NODE: NodeTarget(KubeNodeReads(lab.api))}
    return outlook(loaded.configuration, targets, lab.clock.now())


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("action: drain", "nodes: drains one node every 1h, within PodDisruptionBudgets"),
        ("action: drain, dryRun: true", "nodes: DRY RUN: would drain one node every 1h"),
        ("action: terminate, pdb: bypass", "nodes: terminates one node every 1h, past"),
    ],
)
def test_nodes_are_told_in_the_words_of_their_action(keys: str, words: str) -> None:
    """Nodes that never opted in are not counted among those that did."""
    asked = "node: {maxUnavailable: 3}, select: {minAge: 0s}"
    found = nodes_looked(f"{{name: nodes, target: node, {keys}, {asked}, schedule: {{every: 1h}}}}")
    (policy,) = found.policies
    text = "\n".join(found.says)
    assert policy.workloads == 2
    assert words in text
    assert "of 2 nodes that opted in" in text
    assert "unschedulable 1" in text
    assert "notOptedIn" not in text
