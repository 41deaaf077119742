"""``chaosd plan`` without a cluster."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from chaosd.config import load
from chaosd.core.preview import preview
from chaosd.core.schedule import Rate
from tests.cli.support import EXAMPLES, Answer, chaosd, config

FILE = """
dryRun: false
timezone: Europe/Berlin
seed: abc
windows: {allow: [{weekly: {days: Mon-Fri, from: "09:00", to: "17:00"}}]}
policies:
  - name: mean
    target: pod
    action: evict
    schedule: {meanTimeBetweenKills: 2d, minGap: 12h}
    select: {namespaces: [shop], names: "^w", kinds: [Deployment]}
  - name: tuesdays
    target: pod
    action: evict
    schedule: {cron: "0 10 * * TUE"}
"""
NO_SEED = FILE.replace("seed: abc\n", "")
WORKLOADS = """
# what the shop runs
shop/Deployment/web
shop/Deployment/wiki

shop/Deployment/web
shop/Deployment/api
shop/StatefulSet/wal
park/Deployment/web
"""
FROM = "2026-11-23T00:00:00Z"


def planned(folder: Path, *more: object, text: str = FILE, names: str = WORKLOADS) -> Answer:
    named = folder / "workloads"
    named.write_text(names)
    return chaosd(
        "plan", config(folder, text), "--from", FROM, "--workloads", named, "-o", "json", *more
    )


def test_it_is_what_the_preview_gives(tmp_path: Path) -> None:
    """The same function that the planner runs, over the workloads that the policy may choose."""
    answer = planned(tmp_path, "--days", 30)
    assert answer.code == 0
    loaded = load(tmp_path / "chaosd.yaml", {}).configuration
    assert loaded is not None
    mean, gap = timedelta(days=2), timedelta(hours=12)
    rates = [Rate(f"shop/Deployment/{name}", mean, gap) for name in ("web", "wiki")]
    start = datetime.fromisoformat(FROM)
    kills = preview(loaded, "abc", {"mean": rates}, start, start + timedelta(days=30))
    assert answer.json == [
        {"time": f"{kill.at:%Y-%m-%dT%H:%M:%SZ}", "policy": kill.policy, "workload": kill.workload}
        for kill in kills
    ]
    assert {one["workload"] for one in answer.json} == {
        "*",
        "shop/Deployment/web",
        "shop/Deployment/wiki",
    }


def test_the_order_of_the_workloads_does_not_matter(tmp_path: Path) -> None:
    """Each has randomness of its own."""
    backwards = "\n".join(reversed(WORKLOADS.splitlines()))
    first = planned(tmp_path, "--days", 14).json
    assert first
    assert planned(tmp_path, "--days", 14, names=backwards).json == first


def test_what_no_policy_may_choose_is_mentioned(tmp_path: Path) -> None:
    """A typo in the list would otherwise just be missing."""
    err = planned(tmp_path, "--days", 1).err
    for name in ("shop/Deployment/api", "shop/StatefulSet/wal", "park/Deployment/web"):
        assert name in err
    assert "shop/Deployment/wiki" not in err


def test_workloads_from_standard_input(tmp_path: Path) -> None:
    """As from a pipe."""
    path = config(tmp_path, FILE)
    args = ("plan", path, "--from", FROM, "--days", 14, "-o", "json", "--workloads")
    assert chaosd(*args, "-", stdin=WORKLOADS).json == planned(tmp_path, "--days", 14).json


def test_a_seed_from_the_command_line(tmp_path: Path) -> None:
    """It stands in for the cluster's own; another seed gives another plan."""
    same = planned(tmp_path, "--days", 14, "--seed", "abc", text=NO_SEED)
    assert same.json == planned(tmp_path, "--days", 14).json
    assert same.json != planned(tmp_path, "--days", 14, "--seed", "xyz", text=NO_SEED).json
    other = planned(tmp_path, "--seed", "xyz")
    assert other.code == 2
    assert "'abc'" in other.err


def test_text_is_a_table_with_a_sum(tmp_path: Path) -> None:
    """Times are local, and a draw to come is said in words."""
    named = tmp_path / "workloads"
    named.write_text(WORKLOADS)
    args = ("--days", 7, "--from", FROM, "--workloads", named)
    answer = chaosd("plan", config(tmp_path, FILE), *args)
    assert "Tue 2026-11-24 10:00:00 Europe/Berlin (2026-11-24T09:00:00Z)" in answer.out
    assert "drawn then" in answer.out
    assert answer.out.splitlines()[-1].endswith("kills in 7 days from 2026-11-23T00:00:00Z")


@pytest.mark.parametrize(
    ("text", "named", "missing"),
    [
        (NO_SEED, False, ["a seed:", "workloads,", "--workloads", "kubeconfig"]),
        (NO_SEED, True, ["a seed:"]),
        (FILE, False, ["workloads,"]),
    ],
)
def test_what_is_missing_without_a_cluster(
    tmp_path: Path, text: str, named: bool, missing: list[str]
) -> None:
    """Each missing thing, and the two ways to give it; exit 2."""
    workloads = tmp_path / "workloads"
    workloads.write_text(WORKLOADS)
    more = ("--workloads", workloads) if named else ()
    answer = chaosd("plan", config(tmp_path, text), *more, "-o", "json")
    assert (answer.code, answer.out) == (2, "")
    assert [words for words in missing if words not in answer.err] == []
    assert ("a seed:" in answer.err) == ("a seed:" in missing)


def test_an_address_where_nobody_listens_is_no_cluster_either(tmp_path: Path) -> None:
    """A kubeconfig that leads nowhere: it says what is missing, too."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        '{"apiVersion": "v1", "kind": "Config", "current-context": "c",'
        ' "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],'
        ' "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],'
        ' "users": [{"name": "c", "user": {}}]}'
    )
    answer = chaosd("plan", config(tmp_path, NO_SEED), KUBECONFIG=str(kubeconfig))
    assert answer.code == 2
    assert "a seed:" in answer.err


@pytest.mark.parametrize(
    ("names", "mistakes"),
    [
        ("web\n", ["workloads:1: 'web' is not namespace/Kind/name"]),
        ("shop/Deployment/web\nshop/web\n\n//\n", ["workloads:2:", "workloads:4:"]),
        ("shop/deployment/web\n", ["workloads:1:", "Deployment"]),
        ("shop/deploy/web\n", ["workloads:1:", "Deployment"]),
        ("shop/a/b/c\n", ["workloads:1:"]),
    ],
)
def test_lines_that_name_no_workload(tmp_path: Path, names: str, mistakes: list[str]) -> None:
    """All of them, by line, with what to write; exit 2."""
    answer = planned(tmp_path, names=names)
    assert (answer.code, answer.out) == (2, "")
    assert [words for words in mistakes if words not in answer.err] == []


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_workloads_file_that_can_not_be_read(tmp_path: Path, content: bytes | None) -> None:
    """Missing, or no text."""
    path = tmp_path / "names"
    if content is not None:
        path.write_bytes(content)
    answer = chaosd("plan", config(tmp_path, FILE), "--workloads", path)
    assert answer.code == 2
    assert str(path) in answer.err


@pytest.mark.parametrize("args", [("--days", "0"), ("--days", "x"), ("--from", "noon")])
def test_days_and_times_that_are_none(tmp_path: Path, args: tuple[str, str]) -> None:
    """Wrong input, exit 2."""
    assert planned(tmp_path, *args).code == 2


def test_a_halted_file_plans_nothing_and_says_why(tmp_path: Path) -> None:
    """The list is empty, which needs an explanation."""
    args = ("--workloads", "-", "--seed", "abc")
    answer = chaosd("plan", config(tmp_path, FILE + "halted: true\n"), *args, stdin="")
    assert answer.out.startswith("0 kills")
    assert "halted: true" in answer.err


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_plans_something(tmp_path: Path, path: Path) -> None:
    """With a seed and enough workloads each makes kills within ten days."""
    names = "\n".join(
        f"{namespace}/Deployment/api-{number}"
        for namespace in ("shop", "team-a", "default", "staging", "backend")
        for number in range(40)
    )
    args = ("--days", 10, "--from", FROM, "--workloads", "-", "-o", "json")
    own_seed = load(path, {}).configuration.seed  # type: ignore[union-attr]
    more = () if own_seed else ("--seed", "abc")
    answer = chaosd("plan", path, *args, *more, stdin=names)
    assert answer.code == 0
    assert answer.json
