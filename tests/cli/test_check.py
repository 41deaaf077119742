"""``chaosd check`` without a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import EXAMPLES, chaosd, config

GOOD = """
dryRun: false
seed: abc
windows: {allow: always}
policies:
  - {name: web, target: pod, action: evict, schedule: {every: 1h}}
"""
BAD = """
dryRun: false
timezone: Europe/Berln
limts: {perHour: 3}
windows:
  allow:
    - weekly: {days: Mon-Fry, from: "09:00", to: "25:00"}
policies:
  - name: web
    target: pod
    action: evict
    count: 3
    schedule: {every: 1h, jitter: 2h}
    gracePeriodSeconds: 0
    select: {names: "(", labels: "tier in"}
"""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_valid(path: Path) -> None:
    """Exit 0, and no mistakes for programs either."""
    assert chaosd("check", path).code == 0
    answer = chaosd("check", path, "--output", "json")
    assert (answer.code, answer.json) == (0, [])


def test_a_valid_file_is_summed_up(tmp_path: Path) -> None:
    """How many policies are live."""
    answer = chaosd("check", config(tmp_path, GOOD))
    assert answer.code == 0
    assert "is valid: 1 policy, 1 live" in answer.out


def test_declared_etcd_clusters_are_explained(tmp_path: Path) -> None:
    """Each with who may strike its members; programs read mistakes alone."""
    path = config(
        tmp_path,
        """
etcd: [{name: main, endpoints: ["https://10.0.0.1:2379"]}]
policies:
  - {name: kill, target: etcd, action: kill, clusters: [main], schedule: {every: 1d}}
""",
    )
    found = chaosd("check", path)
    assert found.code == 0
    assert "etcd main (https://10.0.0.1:2379): whatever is struck, its quorum is kept." in found.out
    assert "Policy kill is a dry run: it would kill any one of its members." in found.out
    assert chaosd("check", path, "--output", "json").json == []


def test_a_halted_file_says_so(tmp_path: Path) -> None:
    """A halt in the configuration is easily forgotten there."""
    answer = chaosd("check", config(tmp_path, GOOD + "halted: true\n"))
    assert "halted: true, so nothing is struck" in answer.out


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    """Each with its key path, its line and what to write; exit 2, and no traceback."""
    answer = chaosd("check", config(tmp_path, BAD), "--output", "json")
    assert answer.code == 2
    assert all(set(one) == {"path", "line", "message"} for one in answer.json)
    found = {one["path"]: one for one in answer.json}
    assert found["limts"]["line"] == 4
    assert "limits" in found["limts"]["message"]
    assert {
        "timezone",
        "windows.allow[0].weekly.days",
        "windows.allow[0].weekly.to",
        "policies[0].schedule.jitter",
        "policies[0].gracePeriodSeconds",
        "policies[0].select.names",
        "policies[0].select.labels",
    } <= set(found)
    assert not [one for one in answer.json if not one["message"]]


def test_mistakes_in_text_point_into_the_file(tmp_path: Path) -> None:
    """Editors jump to FILE:LINE; nothing goes to standard output."""
    path = config(tmp_path, BAD)
    answer = chaosd("check", path)
    assert (answer.code, answer.out) == (2, "")
    assert f"{path}:4: limts: " in answer.err
    assert len(answer.err.splitlines()) >= 8


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        (b"\x00\x01\x02\xff", "UTF-8"),
        (b"a: [1", "not YAML"),
        (b"", "empty"),
        (b"- just\n- a list\n", "expected keys"),
        (b"x" * (50 * 1024 * 1024), "larger than"),
        (b"a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\n" * 1, ""),
    ],
    ids=["missing", "binary", "syntax", "empty", "list", "50 MB", "aliases"],
)
def test_files_that_are_no_configuration(tmp_path: Path, content: bytes | None, words: str) -> None:
    """One clear mistake for each, in text and in JSON."""
    path = tmp_path / "chaosd.yaml"
    if content is not None:
        path.write_bytes(content)
    text = chaosd("check", path)
    assert (text.code, text.out) == (2, "")
    assert words in text.err
    answer = chaosd("check", path, "-o", "json")
    assert answer.code == 2
    assert answer.json


def test_overrides_of_the_environment_are_checked_too(tmp_path: Path) -> None:
    """A variable is named as the place of its mistake."""
    answer = chaosd("check", config(tmp_path, GOOD), "-o", "json", CHAOSD_LIMITS__PER_HOUR="none")
    assert answer.code == 2
    assert answer.json[0]["path"] == "CHAOSD_LIMITS__PER_HOUR"
    assert answer.json[0]["line"] is None


def test_asking_a_cluster_that_is_not_there(tmp_path: Path) -> None:
    """A valid file and no cluster is no wrong input: exit 1, one line."""
    answer = chaosd("check", config(tmp_path, GOOD), "--cluster")
    assert answer.code == 1
    assert len(answer.err.splitlines()) == 1
    assert "kubeconfig" in answer.err
