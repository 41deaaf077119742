"""Files that are no configuration at all, and what a whole valid one becomes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from chaosd.config import Problem, load, load_text
from chaosd.core.model import (
    Action,
    BudgetMode,
    Configuration,
    Limits,
    OptIn,
    Policy,
    Select,
    TargetKind,
)
from chaosd.core.schedule import Cron, Every, MeanTime
from chaosd.core.selector import Selector
from chaosd.core.window import Always, Dates, Holidays, Weekly, Windows

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WORKDAYS = frozenset({0, 1, 2, 3, 4})

WHOLE = """
dryRun: false
timezone: Europe/Berlin
cluster: prod-eu
seed: "7"
optIn: {label: kube-monkey/enabled, value: enabled}
surveyEvery: 10m
halted: true
windows:
  allow:
    - {name: office, weekly: {days: Mon-Fri, from: 09:00, to: 24:00}}
  deny:
    - {name: year end, dates: {first: 2026-12-18, last: 2027-01-04}}
    - {name: holidays, holidays: {country: DE, subdivision: BE}}
    - holidays: {country: NO}
limits: {perHour: 7, perDay: 21, concurrent: 2}
policies:
  - name: web
    target: pod
    action: evict
    gracePeriodSeconds: 5
    schedule: {meanTimeBetweenKills: 5d, minGap: 12h}
    select:
      namespaces: [shop, "team-*"]
      labels: "tier in (backend, frontend)"
      annotations: "!hands-off"
      kinds: [Deployment, Rollout]
      names: "^api-"
      nodes: "pool=spot"
      minAge: 0s
      minReplicas: 3
    pdb: bypass
    deadline: 15m
    cooldown: 0s
    dryRun: true
    windows:
      allow: always
      deny:
        - weekly: {days: Fri, from: "15:00", to: "00:00"}
    limits: {perDay: 5}
  - name: cron
    target: pod
    action: evict
    schedule: {cron: 0 10 * * TUE}
    count: 2
    windows: {allow: [], deny: []}
"""

OFFICE = (Weekly(WORKDAYS, 9 * 3600, 24 * 3600, "office"),)
DENY = (
    Dates(date(2026, 12, 18), date(2027, 1, 4), "year end"),
    Holidays("DE", "BE", "holidays"),
    Holidays("NO"),
)


def whole() -> Configuration:
    result = load_text(WHOLE, {}, NOW)
    assert result.problems == ()
    assert result.configuration is not None
    return result.configuration


def test_the_global_keys_are_mapped() -> None:
    """Every global key of the file arrives in the configuration."""
    found = whole()

    assert found.windows == Windows("Europe/Berlin", (OFFICE,), DENY)
    assert (found.dry_run, found.halted, found.cluster, found.seed) == (False, True, "prod-eu", "7")
    assert found.opt_in == OptIn("kube-monkey/enabled", "enabled")
    assert found.survey_every == timedelta(minutes=10)
    assert found.namespaces is None
    assert found.limits == Limits(7, 21, 2)


def test_a_policy_is_mapped_with_the_windows_that_bind_it() -> None:
    """Every key of a policy arrives, and its windows are one more layer on the global ones."""
    friday = Weekly(frozenset({4}), 15 * 3600, 0)

    assert whole().policy("web") == Policy(
        name="web",
        target=TargetKind.POD,
        action=Action.EVICT,
        schedule=MeanTime(timedelta(days=5), timedelta(hours=12)),
        select=Select(
            namespaces=("shop", "team-*"),
            labels=Selector.parse("tier in (backend, frontend)"),
            annotations=Selector.parse("!hands-off"),
            kinds=("Deployment", "Rollout"),
            names="^api-",
            nodes=Selector.parse("pool=spot"),
            min_age=timedelta(0),
            min_replicas=3,
        ),
        windows=Windows("Europe/Berlin", (OFFICE, (Always(),)), (*DENY, friday)),
        limits=Limits(per_day=5),
        count=1,
        pdb=BudgetMode.BYPASS,
        grace_period_seconds=5,
        deadline=timedelta(minutes=15),
        cooldown=timedelta(0),
        dry_run=True,
        hold=timedelta(0),
    )


def test_a_policy_without_windows_of_its_own_has_the_global_ones() -> None:
    """Empty lists narrow nothing, and a policy is live when nothing says otherwise."""
    found = whole()
    policy = found.policy("cron")

    assert policy is not None
    assert policy.windows == found.windows
    assert policy.schedule == Cron("0 10 * * TUE")
    assert (policy.count, policy.dry_run) == (2, False)


def test_what_is_not_written_has_the_defaults_of_the_core() -> None:
    """A configuration without policies is the dry run that the core's own defaults describe."""
    expected = Configuration(windows=Windows("UTC"), policies=())

    assert load_text("policies: []", {}, NOW).configuration == expected
    nothing = "limits:\nwindows: {deny: , allow: null}\nseed: ~\noptIn: {label: }\npolicies: []"
    assert load_text(nothing, {}, NOW).configuration == expected


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("{every: 1h}", Every(timedelta(hours=1))),
        ("{every: 1h, jitter: 10m}", Every(timedelta(hours=1), timedelta(minutes=10))),
        ("{every: 1h, jitter: 0s}", Every(timedelta(hours=1))),
        ("{meanTimeBetweenKills: 5d}", MeanTime(timedelta(days=5), timedelta(minutes=70))),
    ],
)
def test_schedules(schedule: str, expected: object) -> None:
    """Each form of schedule is mapped; a gap that is not written is deadline + cooldown."""
    text = f"policies: [{{name: web, target: pod, action: evict, schedule: {schedule}}}]"
    found = load_text(text, {}, NOW).configuration

    assert found is not None
    assert found.policies[0].schedule == expected


@pytest.mark.parametrize("allow", ["always", "[always]", '"always"'])
def test_the_word_always(allow: str) -> None:
    """Always can be written as the only rule, in a list or without one."""
    found = load_text(f"{{windows: {{allow: {allow}}}, policies: []}}", {}, NOW).configuration

    assert found is not None
    assert found.windows.allow == ((Always(),),)


def test_a_dry_run_policy_needs_no_allow_in_a_live_configuration() -> None:
    """Only what is live must say when it may strike."""
    text = """
dryRun: false
policies: [{name: web, target: pod, action: evict, dryRun: true, schedule: {every: 1h}}]
"""
    assert load_text(text, {}, NOW).problems == ()


def test_a_dry_run_of_all_is_a_dry_run_of_each() -> None:
    """A policy can't be live under a global dry run."""
    text = """
policies: [{name: web, target: pod, action: evict, dryRun: false, schedule: {every: 1h}}]
"""
    found = load_text(text, {}, NOW).configuration

    assert found is not None
    assert found.policies[0].dry_run is True


def test_namespaced_mode() -> None:
    """Namespaces, a seed, and policies that stay inside: a valid configuration."""
    text = """
namespaces: [shop, team-a]
seed: prod
policies:
  - name: web
    target: pod
    action: evict
    schedule: {every: 1h}
    select: {namespaces: ["team-*"]}
"""
    found = load_text(text, {}, NOW).configuration

    assert found is not None
    assert found.namespaces == ("shop", "team-a")


def test_a_leap_day_cron_is_no_mistake_in_a_year_without_one() -> None:
    """What has no time at all in the year ahead is not said to miss the windows."""
    text = """
windows: {allow: [{weekly: {days: Mon-Fri, from: "09:00", to: "17:00"}}]}
policies: [{name: web, target: pod, action: evict, schedule: {cron: 0 10 29 2 *}}]
"""
    assert load_text(text, {}, NOW).problems == ()


def test_anchors_and_merge_keys_work() -> None:
    """Policies can share what they have in common."""
    text = """
policies:
  - &web {name: web, target: pod, action: evict, schedule: {every: 1h}, cooldown: 2h}
  - {<<: *web, name: api, cooldown: 3h}
"""
    found = load_text(text, {}, NOW).configuration

    assert found is not None
    hours = [policy.cooldown / timedelta(hours=1) for policy in found.policies]
    assert hours == [2, 3]


# ------------------------------------------------------------------ files


def problems_of(path: Path) -> list[Problem]:
    result = load(path, {}, NOW)
    assert result.configuration is None
    return list(result.problems)


def test_a_missing_file(tmp_path: Path) -> None:
    """A path to nothing is one problem without a line that names the path."""
    path = tmp_path / "nothing.yaml"
    expected = Problem("", None, f"no such file: {path}; check the path")

    assert problems_of(path) == [expected]


def test_a_directory(tmp_path: Path) -> None:
    """A folder is one problem that says to name a file."""
    (problem,) = problems_of(tmp_path)

    assert "is a directory: name the file in it" in problem.message


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"", None, "empty: write a configuration"),
        (b"# nothing yet\n", None, "empty: write a configuration"),
        (b"dryRun: true\npolicies: [\x00]", 2, "a binary file"),
        (b"policies: []\ncluster: caf\xe9\n", 2, "not UTF-8 at byte 25"),
        (b"\x7fELF\x02\x01\x01\x00\x00\xff", 1, "not UTF-8"),
        (b"\xff\xfep\x00o\x00", 1, "save it as UTF-8"),
        (b"policies: []\ncluster: \x07", 2, "which YAML forbids"),
        (b"policies: " + b"[" * 60, 1, "nested more than 40 levels deep"),
        (b"policies: [" + b"x, " * 20_000 + b"]", 1, "more than 20000 keys and values"),
    ],
)
def test_a_file_that_is_no_configuration(
    tmp_path: Path, content: bytes, line: int | None, message: str
) -> None:
    """What can't be read as a whole is one problem, with the line where there is one."""
    path = tmp_path / "chaosd.yaml"
    path.write_bytes(content)
    (problem,) = problems_of(path)

    assert (problem.path, problem.line) == ("", line)
    assert message in problem.message


def test_a_file_of_50_mb(tmp_path: Path) -> None:
    """A file that is far too large is refused for its size, whatever it holds."""
    path = tmp_path / "chaosd.yaml"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    (problem,) = problems_of(path)

    assert problem.message == "larger than 1024 KiB, more than a ConfigMap holds: write less"


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    """Some editors of Windows begin UTF-8 files with a mark."""
    path = tmp_path / "chaosd.yaml"
    path.write_bytes(b"\xef\xbb\xbfpolicies: []\r\n")

    assert load(path, {}, NOW).problems == ()


def test_a_path_that_no_file_can_have() -> None:
    """A path with a NUL is a problem, not a crash."""
    (problem,) = load("a\0b", {}, NOW).problems

    assert "can't be read" in problem.message


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("limits.perHour", 3, "too low"), "line 3: limits.perHour: too low"),
        (Problem("CHAOSD_SEED", None, "empty"), "CHAOSD_SEED: empty"),
        (Problem("", None, "no such file"), "no such file"),
    ],
)
def test_a_problem_as_text(problem: Problem, text: str) -> None:
    """Line and path come before the message, where there are any."""
    assert str(problem) == text
