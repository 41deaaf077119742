"""What is said of declared etcd clusters before anything happens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import cast

import pytest

from chaosd.config import load_text
from chaosd.core.model import Candidate, Code, Configuration, Reason, TargetKind, WorkloadKey
from chaosd.engine.preflight import outlook
from chaosd.engine.preflight_etcd import etcd_words
from chaosd.ports import Scope, Target

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
HEAD = """
dryRun: false
seed: abc
windows: {allow: always}
limits: {concurrent: 3}
etcd:
  - name: main
    endpoints: ["https://10.0.0.1:2379", "http://10.0.0.2:2379"]
    backup: {maxAge: 12h, file: /backups}
    snapshotCheck: 1w
  - {name: events, pods: {namespace: etcd, labels: app=etcd}}
"""
KILL = "{name: kill, target: etcd, action: kill, clusters: [main], schedule: {every: 1d}}"
MOVE = "{name: move, target: etcd, action: moveLeader, clusters: [main], schedule: {every: 1d}}"


def read(*policies: str, top: str = "") -> Configuration:
    loaded = load_text(f"{HEAD}{top}\npolicies: [{', '.join(policies)}]", {}, NOW)
    assert loaded.configuration is not None, loaded.problems
    return loaded.configuration


class Clusters:
    """A target whose candidates are given, and which is asked for nothing else."""

    def __init__(self, **refused: Code | None) -> None:
        self.refused = refused

    def survey(self, scope: Scope, only: WorkloadKey | None) -> Iterator[Candidate]:
        """The clusters that the policy names."""
        del only
        for name in scope.policy.clusters:
            code = self.refused.get(name)
            reasons = (Reason(code),) if code else ()
            yield Candidate(f"Etcd/{name}", WorkloadKey("", "Etcd", name), reasons)


def said(*policies: str, **refused: Code | None) -> str:
    target = cast("Target", Clusters(**refused))
    return "\n".join(outlook(read(*policies), {TargetKind.ETCD: target}, NOW).says)


@pytest.mark.parametrize(
    ("policies", "words"),
    [
        ((KILL,), "Policy kill may kill any one of its members."),
        ((KILL.replace("kill,", "kill, member: leader,", 1),), "may kill its leader."),
        ((KILL.replace("kill,", "kill, member: follower,", 1),), "may kill a follower."),
        ((KILL.replace("kill,", "kill, dryRun: true,", 1),), "dry run: it would kill any one of"),
        ((MOVE,), "Policy move may move its leader to a follower."),
        ((), "No policy names it: a member goes down only with a pod or a node"),
        ((KILL,), "only members that are pods with a PersistentVolumeClaim can be killed"),
        ((), "https://10.0.0.1:2379, http://10.0.0.2:2379"),
        ((), "(pods app=etcd in namespace etcd, https port 2379)"),
        ((), "by /backups, is at most 12h old and a snapshot of it was read and found good within"),
    ],
)
def test_what_is_said_of_a_cluster(policies: tuple[str, ...], words: str) -> None:
    """Where it is, who may strike it and how, what gates that."""
    assert words in "\n".join(etcd_words(read(*policies)))


def test_each_cluster_says_its_own() -> None:
    """What is true of one cluster alone is not said of another."""
    lines = list(etcd_words(read(KILL)))
    [start] = [n for n, line in enumerate(lines) if line.startswith("etcd events")]
    main, events = "\n".join(lines[:start]), "\n".join(lines[start:])

    assert ("over http:" in main, "over http:" in events) == (True, False)
    assert ("unless" in main, "unless" in events) == (True, False)
    assert ("No policy names it" in main, "No policy names it" in events) == (False, True)


def test_a_password_in_the_clear_is_told() -> None:
    """Over http everybody on the way reads it."""
    text = HEAD.replace(
        "    snapshotCheck", "    auth: {username: ann, passwordFile: /p}\n    snapshotCheck"
    )
    loaded = load_text(f"{text}\npolicies: []", {}, NOW).configuration
    assert loaded is not None

    assert "and the password of ann is sent in the clear." in "\n".join(etcd_words(loaded))
    assert "password" not in "\n".join(etcd_words(read(KILL)))


@pytest.mark.parametrize(
    ("backup", "told"),
    [
        ("prometheus: 'http://p:9090', query: q, bearerTokenFile: /t", True),
        ("prometheus: 'http://p:9090', query: q", False),
        ("prometheus: 'https://p:9090', query: q, bearerTokenFile: /t", False),
    ],
)
def test_a_token_in_the_clear_is_told(backup: str, told: bool) -> None:
    """Prometheus over http is common; a token that goes there is another matter."""
    text = HEAD.replace("file: /backups", backup)
    loaded = load_text(f"{text}\npolicies: []", {}, NOW).configuration
    assert loaded is not None

    words = "Prometheus is asked over http: the token in /t is sent in the clear."
    assert (words in "\n".join(etcd_words(loaded))) == told
    assert ("token" in "\n".join(etcd_words(loaded))) == told


def test_with_a_helper_every_member_can_be_killed() -> None:
    """Nothing is said to be out of reach."""
    helper = "helper: {namespace: helpers, image: a/b}"
    assert "PersistentVolumeClaim" not in "\n".join(etcd_words(read(KILL, top=helper)))


def test_nothing_is_said_where_nothing_is_declared() -> None:
    """Whoever has no etcd here reads nothing of it."""
    assert list(etcd_words(Configuration(read().windows, ()))) == []


def test_the_outlook_of_a_policy_for_etcd() -> None:
    """It counts the clusters that it names; declarations are said at the end."""
    both = KILL.replace("[main]", "[main, events]")
    words = said(both, events=Code.ETCD_UNHEALTHY)

    assert "kill: kills one member of etcd main or events every 1d, within PodDis" in words
    assert (
        "of 2 etcd clusters that it names, 1 may be drawn, and its members are asked then" in words
    )
    assert "(not the others: etcdUnhealthy 1)" in words
    assert "candidate" not in words, "no member was asked"
    assert "about 7 kills a week" in words
    assert "Policy kill may kill any one of its members." in words


def test_clusters_are_more_than_one() -> None:
    """Each has members of its own."""
    words = said(KILL.replace("[main]", "[main, events]"))
    assert "that it names, 2 may be drawn, and their members are asked then" in words


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (MOVE, "move: deposes the leader of etcd main every 1d: about 7 kills a week"),
        (KILL.replace("kill,", "kill, pdb: bypass,", 1), "every 1d, past PodDisruptionBudgets"),
        (
            KILL.replace("[main]", "[main, events], count: 2"),
            "kills one member of each of 2 clusters of main, events every 1d",
        ),
        (
            KILL.replace("every: 1d", "meanTimeBetweenKills: 1w"),
            "of each etcd cluster every 1w on average",
        ),
        (KILL.replace("kill,", "kill, member: follower,", 1), "kills one follower of etcd main"),
    ],
)
def test_the_sentence_of_a_policy(policy: str, words: str) -> None:
    """What it strikes, how often, and whether budgets are asked."""
    assert words in said(policy)


def test_declarations_are_said_without_any_policy() -> None:
    """They are guarded as soon as there is one."""
    found = outlook(read(), {}, NOW).says
    assert found[0] == "There is no policy: nothing will ever be struck."
    assert any(line.startswith("etcd main") for line in found)
