"""``chaosd windows``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.support import EXAMPLES, Answer, chaosd, config

BASE = """
dryRun: false
timezone: {zone}
windows:
  allow: {allow}
  deny: {deny}
policies:
  - name: web
    target: pod
    action: evict
    schedule: {{every: 1h}}
    windows: {{deny: [{{name: lunch, weekly: {{days: Mon-Sun, from: "12:00", to: "13:00"}}}}]}}
"""
OFFICE = '[{weekly: {days: Mon-Fri, from: "09:00", to: "17:00"}}]'
NIGHT = '[{weekly: {days: Fri, from: "22:00", to: "06:00"}}]'
SMALL_HOURS = '[{weekly: {days: Mon-Sun, from: "02:30", to: "04:00"}}]'
FREEZE = "[{name: year end, dates: {first: 2026-12-18, last: 2027-01-04}}]"
HOLIDAYS = "[{name: holidays, holidays: {country: DE, subdivision: BE}}]"

TABLE = [
    # zone, allow, deny, at, open, next change
    ("UTC", "always", "[]", "2026-11-23T08:00:00Z", True, None),
    ("UTC", OFFICE, "[]", "2026-11-23T08:59:59Z", False, "2026-11-23T09:00:00Z"),
    ("UTC", OFFICE, "[]", "2026-11-23T09:00:00Z", True, "2026-11-23T17:00:00Z"),
    ("UTC", OFFICE, "[]", "2026-11-23T16:59:59Z", True, "2026-11-23T17:00:00Z"),
    ("UTC", OFFICE, "[]", "2026-11-23T17:00:00Z", False, "2026-11-24T09:00:00Z"),
    ("UTC", OFFICE, "[]", "2026-11-27T18:00:00Z", False, "2026-11-30T09:00:00Z"),
    ("Europe/Berlin", OFFICE, "[]", "2026-07-01T07:00:00Z", True, "2026-07-01T15:00:00Z"),
    ("Europe/Berlin", OFFICE, "[]", "2026-11-23T07:00:00Z", False, "2026-11-23T08:00:00Z"),
    ("Europe/Berlin", OFFICE, "[]", "2026-11-23T09:00:00+01:00", True, "2026-11-23T16:00:00Z"),
    ("UTC", NIGHT, "[]", "2026-11-28T05:00:00Z", True, "2026-11-28T06:00:00Z"),
    ("UTC", NIGHT, "[]", "2026-11-27T05:00:00Z", False, "2026-11-27T22:00:00Z"),
    ("UTC", "always", FREEZE, "2026-12-17T23:59:59Z", True, "2026-12-18T00:00:00Z"),
    ("UTC", "always", FREEZE, "2026-12-31T12:00:00Z", False, "2027-01-05T00:00:00Z"),
    ("UTC", OFFICE, FREEZE, "2026-12-31T12:00:00Z", False, "2027-01-05T09:00:00Z"),
    ("Europe/Berlin", OFFICE, HOLIDAYS, "2026-12-25T10:00:00Z", False, "2026-12-28T08:00:00Z"),
    # 02:00 becomes 03:00 at 01:00Z, and 03:00 becomes 02:00 at 01:00Z
    ("Europe/Berlin", SMALL_HOURS, "[]", "2026-03-29T00:59:00Z", False, "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", SMALL_HOURS, "[]", "2026-03-29T01:00:00Z", True, "2026-03-29T02:00:00Z"),
    ("Europe/Berlin", SMALL_HOURS, "[]", "2026-10-25T00:40:00Z", False, "2026-10-25T01:30:00Z"),
    ("Europe/Berlin", SMALL_HOURS, "[]", "2026-10-25T01:40:00Z", True, "2026-10-25T03:00:00Z"),
]


def asked(folder: Path, at: str, *more: str, **parts: str) -> Answer:
    values = {"zone": "UTC", "allow": OFFICE, "deny": "[]", **parts}
    return chaosd("windows", config(folder, BASE.format(**values)), "--at", at, *more)


@pytest.mark.parametrize(("zone", "allow", "deny", "at", "is_open", "change"), TABLE)
def test_the_table(
    tmp_path: Path, zone: str, allow: str, deny: str, at: str, is_open: bool, change: str | None
) -> None:
    """Open or not and until when: boundaries, wraps, freezes, holidays, changes of the clock."""
    answer = asked(tmp_path, at, "--output", "json", zone=zone, allow=allow, deny=deny)
    assert answer.code == 0
    assert set(answer.json) == {"open", "because", "next_change"}
    assert (answer.json["open"], answer.json["next_change"]) == (is_open, change)


def test_because_names_the_window_that_closes_it(tmp_path: Path) -> None:
    """A denial by its name, and the allow windows that do not hold the time."""
    answer = asked(tmp_path, "2026-12-19T12:00:00Z", "-o", "json", deny=FREEZE)
    denied, outside = answer.json["because"]
    assert denied == "denied by 'year end' (2026-12-18 to 2027-01-04)"
    assert outside.startswith("outside every allow window (Mon-Fri 09:00-17:00 UTC)")


def test_one_policys_windows_are_narrower(tmp_path: Path) -> None:
    """Its lunch is its own; the global windows are open at noon."""
    at = "2026-11-23T12:30:00Z"
    assert asked(tmp_path, at, "-o", "json").json["open"] is True
    own = asked(tmp_path, at, "-o", "json", "--policy", "web")
    assert own.json["open"] is False
    assert "lunch" in own.json["because"][0]


def test_text_says_it_in_local_time_and_in_utc(tmp_path: Path) -> None:
    """A person in Berlin and a log in UTC mean the same instant."""
    answer = asked(tmp_path, "2026-11-23T08:30:00Z", zone="Europe/Berlin")
    first, why, then = answer.out.splitlines()
    assert first.startswith("open for all policies at Mon 2026-11-23 09:30:00 Europe/Berlin")
    assert "inside Mon-Fri 09:00-17:00 Europe/Berlin" in why
    assert "closes at Mon 2026-11-23 17:00:00 Europe/Berlin (2026-11-23T16:00:00Z)" in then


@pytest.mark.parametrize(
    ("at", "advice"),
    [
        (
            "2026-11-23T08:00:00",
            "2026-11-23T08:00:00+01:00 (Europe/Berlin) or 2026-11-23T08:00:00Z",
        ),
        ("2026-11-23", "2026-11-23T00:00:00+01:00 (Europe/Berlin)"),
        ("tomorrow", "is no time: write one like 20"),
        ("2026-11-23T25:00:00Z", "is no time"),
        ("2026-02-30T10:00:00Z", "is no time"),
        ("0001-01-01T00:00:00+14:00", "write a year from"),
        ("", "is no time"),
    ],
)
def test_a_time_that_is_none_says_what_to_write(tmp_path: Path, at: str, advice: str) -> None:
    """Without an offset it may be any of two dozen instants, so nothing is guessed."""
    answer = asked(tmp_path, at, "-o", "json", zone="Europe/Berlin")
    assert (answer.code, answer.out) == (2, "")
    assert advice in answer.err


def test_a_policy_that_there_is_not(tmp_path: Path) -> None:
    """The known ones are named."""
    answer = asked(tmp_path, "2026-11-23T08:00:00Z", "--policy", "wbe")
    assert answer.code == 2
    assert "no policy is called 'wbe': the file has web" in answer.err


def test_now_is_meant_when_no_time_is_said(tmp_path: Path) -> None:
    """The next change of what is always half an hour away lies ahead of now."""
    allow = (
        "["
        + ", ".join(
            f'{{weekly: {{days: Mon-Sun, from: "{hour:02d}:00", to: "{hour:02d}:30"}}}}'
            for hour in range(24)
        )
        + "]"
    )
    path = config(tmp_path, BASE.format(zone="UTC", allow=allow, deny="[]"))
    before = datetime.now(UTC)
    change = datetime.fromisoformat(chaosd("windows", path, "-o", "json").json["next_change"])
    assert before <= change <= datetime.now(UTC) + timedelta(minutes=30)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_opens_some_time_and_closes_some_time(path: Path) -> None:
    """Monday noon in June is open, or the answer says when the next opening is."""
    answer = chaosd("windows", path, "--at", "2027-06-07T10:00:00Z", "-o", "json")
    assert answer.code == 0
    assert answer.json["open"] or answer.json["next_change"]
    assert answer.json["because"]
