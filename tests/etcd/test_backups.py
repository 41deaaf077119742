"""The age of backups, by Prometheus over HTTP and by files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosd.calls import Answered, CallFailed, NotSent, Unanswered
from chaosd.core.etcd_model import EtcdBackup
from chaosd.etcd.backups import BackupAges
from chaosd.targets.etcd_gateway import Backups
from tests.etcd.stub import BRIEF, Pieces, Stub, http

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PATIENT = 60.0
QUERY = 'time() - max(last_success{job="etcd backup"})'


def vector(*values: str) -> dict[str, Any]:
    """An instant query's answer as Prometheus gives it."""
    result = [{"metric": {"n": str(n)}, "value": [1.5, text]} for n, text in enumerate(values)]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def scalar(value: str) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "scalar", "result": [1760000000, value]}}


def ask(answer: Pieces, path: str = "", timeout: float = PATIENT) -> tuple[timedelta, Stub]:
    with Stub(answer) as stub, closing(BackupAges(lambda: NOW)) as ages:
        backup = EtcdBackup(DAY, prometheus=f"{stub.url}{path}", query=QUERY)
        return ages.age(backup, timeout), stub


def test_it_is_what_the_guard_asks_for() -> None:
    """The adapter fits the protocol, also for the type checker."""
    ages: Backups = BackupAges(lambda: NOW)
    assert ages is not None


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (vector("3600"), 3600.0),
        (vector("0"), 0.0),
        (vector("12.5"), 12.5),
        (vector("8.64e+04"), 86_400.0),
        (scalar("60"), 60.0),
        ({**vector("1"), "warnings": ["slow"], "infos": []}, 1.0),
    ],
)
@pytest.mark.parametrize("path", ["", "/", "/prometheus", "/prometheus/"])
def test_one_sample_is_an_age_in_seconds(
    answer: Mapping[str, Any], seconds: float, path: str
) -> None:
    """A vector of one or a scalar; Prometheus may live below a path."""
    age, stub = ask(http(answer), path)
    assert age == timedelta(seconds=seconds)
    asked = urlsplit(stub.requests[0].path)
    assert asked.path == f"{path.rstrip('/')}/api/v1/query"
    assert parse_qs(asked.query)["query"] == [QUERY]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (http(vector()), "gives 0 samples; it must give one"),
        (http(vector("1", "2")), "gives 2 samples"),
        (http(vector("NaN")), "nan is no age"),
        (http(vector("+Inf")), "inf is no age"),
        (http(vector("soon")), "no age"),
        (http(vector("-60")), "60 s in the future"),
        (http(vector("1e300")), "is no age"),
        (http(scalar("NaN")), "no age"),
        (http({"status": "success"}), "200"),
        (http({"status": "success", "data": {"resultType": "matrix", "result": []}}), "vector"),
        (http({"status": "success", "data": {"resultType": "vector", "result": [1]}}), "vector"),
        (
            http({"status": "error", "errorType": "timeout", "error": "query timed out"}),
            "timed out",
        ),
        (http({"status": "error", "errorType": "bad_data", "error": "parse error"}, 400), "parse"),
        (http({"status": "error", "errorType": "x", "error": "overload"}, 503), "overload"),
        (http(b"<html>Sign in</html>"), "it answers 200, not with a vector"),
        (http(b"", 302, Location="/login"), "it answers 302"),
        (http(b"no", 401), "it answers 401"),
        (b"", "no whole HTTP answer"),
        (http(b"1" * (5 << 20)), "more than"),
    ],
)
def test_everything_else_is_told(answer: Pieces, words: str) -> None:
    """With the address that was asked."""
    with pytest.raises(CallFailed, match=words) as failed:
        ask(answer)
    assert "http://127.0.0.1:" in str(failed.value)


@settings(max_examples=40)
@given(st.binary(max_size=200))
def test_no_answer_makes_it_raise_anything_else(content: bytes) -> None:
    """Whatever stands in the body."""
    with pytest.raises(CallFailed):
        ask(http(content))


def test_an_error_of_prometheus_keeps_its_kind() -> None:
    """The words are for people, the kind for search engines."""
    told = {"status": "error", "errorType": "bad_data", "error": "1:5: parse error"}
    with pytest.raises(Answered) as failed:
        ask(http(told, 400))
    assert (failed.value.status, failed.value.reason) == (400, "bad_data")


def test_one_that_does_not_answer_is_given_up() -> None:
    """In time."""
    with Stub(lambda _: iter(lambda: (stub.stopping.wait(0.05) and b"") or b" ", b"")) as stub:
        backup = EtcdBackup(DAY, prometheus=stub.url, query=QUERY)
        with closing(BackupAges(lambda: NOW)) as ages, pytest.raises(Unanswered):
            ages.age(backup, BRIEF)


# ---- files


def write(path: Path, age: timedelta, content: bytes = b"snapshot") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    then = (NOW - age).timestamp()
    os.utime(path, (then, then))
    return path


def age_of(path: Path) -> timedelta:
    with closing(BackupAges(lambda: NOW)) as ages:
        return ages.age(EtcdBackup(DAY, file=str(path)), PATIENT)


def test_a_file_is_as_old_as_its_last_change(tmp_path: Path) -> None:
    """Also through a link, such as one to the newest."""
    path = write(tmp_path / "etcd.db", timedelta(hours=3))
    (tmp_path / "latest").symlink_to(path)
    assert age_of(path) == age_of(tmp_path / "latest") == timedelta(hours=3)


def test_of_a_folder_the_newest_finished_file_counts(tmp_path: Path) -> None:
    """Not what is below it, hidden, empty, still written, or a link to nowhere."""
    write(tmp_path / "monday.db", timedelta(hours=40))
    write(tmp_path / "tuesday.db", timedelta(hours=16))
    write(tmp_path / "wednesday.db.part", timedelta(0))
    write(tmp_path / "x.tmp", timedelta(0))
    write(tmp_path / ".hidden", timedelta(0))
    write(tmp_path / "failed.db", timedelta(0), b"")
    write(tmp_path / "lost+found" / "deep", timedelta(0))
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    assert age_of(tmp_path) == timedelta(hours=16)


def test_a_file_that_is_no_backup_is_told(tmp_path: Path) -> None:
    """By its path, with why."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for path, words in (
        (tmp_path / "none", "No such file"),
        (folder, "there is no backup in the folder"),
        (write(tmp_path / "empty", DAY, b""), "is empty"),
        (write(tmp_path / "tomorrow", -DAY), "86400 s in the future"),
        (tmp_path / "tomorrow" / "below", "Not a directory"),
        (Path("/dev/null"), "no file"),
        (tmp_path / "nul\0", "null"),
    ):
        with pytest.raises(CallFailed, match=words) as failed:
            age_of(path)
        assert str(path) in str(failed.value)


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    """A folder without rights; root may read all, and is told the age."""
    folder = tmp_path / "closed"
    write(folder / "etcd.db", DAY)
    folder.chmod(0)
    try:
        if os.access(folder, os.R_OK):
            assert age_of(folder) == DAY
        else:
            with pytest.raises(CallFailed, match="Permission denied"):
                age_of(folder)
    finally:
        folder.chmod(0o700)


def test_nothing_to_ask_is_told() -> None:
    """Neither a query nor a file: the configuration does not allow it."""
    with closing(BackupAges(lambda: NOW)) as ages, pytest.raises(NotSent):
        ages.age(EtcdBackup(DAY), PATIENT)
