"""Log lines: for machines, for terminals, and never with a secret."""

from __future__ import annotations

import io
import json
import logging
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.types import FilteringBoundLogger

from chaosd.report.logs import configure
from chaosd.report.redact import REDACTED, without_secrets

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjaGFvc2QifQ.c2lnbmF0dXJl"


class Log:
    """A configured log that is kept in memory."""

    def __init__(self, *, terminal: bool = False, level: int = logging.INFO) -> None:
        self.out = io.StringIO()
        self.root = logging.getLogger("scene.logs")
        self.logger: FilteringBoundLogger = configure(
            lambda: datetime(2026, 11, 5, 11, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1))),
            stream=self.out,
            terminal=terminal,
            level=level,
            root=self.root,
        )

    @property
    def text(self) -> str:
        return self.out.getvalue()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


def test_a_line_is_json_with_time_level_and_event_first() -> None:
    """One line per event, time in UTC by the clock that was given."""
    log = Log()
    log.logger.info("leading", term=3, why="naïve")
    assert log.text == (
        '{"timestamp": "2026-11-05T10:00:00.123Z", "level": "info", "event": "leading",'
        ' "term": 3, "why": "naïve"}\n'
    )


def test_newlines_stay_inside_a_line() -> None:
    """What is logged can't forge another line."""
    log = Log()
    log.logger.info("halted", why='x"}\n{"event": "resumed"')
    (line,) = log.lines()
    assert line["event"] == "halted"


def test_a_terminal_gets_colours_and_short_reasons() -> None:
    """People see `code: detail`, and no control character of whoever typed a reason."""
    log = Log(terminal=True)
    reasons = [{"code": "halted", "detail": "by \x1b[2Jalice"}, {"code": "tooLate", "detail": ""}]
    log.logger.info("attempt ended", reasons=reasons, candidates={"eligible": 2})
    assert "\x1b[" in log.text
    assert "halted: by ?[2Jalice; tooLate" in log.text
    assert "eligible 2" in log.text


def test_an_error_carries_its_traceback() -> None:
    """A traceback is one field of one line."""
    log = Log()
    log.logger.error("failed", exc_info=ValueError("odd"))
    (line,) = log.lines()
    assert line["exception"].endswith("ValueError: odd")


@pytest.mark.parametrize("name", ["apscheduler.scheduler", "uvicorn.error", "urllib3"])
def test_third_parties_speak_the_same_language_from_warning_on(name: str) -> None:
    """Libraries' warnings become lines like ours, named; their chatter is left out."""
    log = Log()
    library = logging.getLogger(f"scene.logs.{name}")
    library.info("chatter")
    library.warning("missed by %s, bearer %s", "3 s", "abcdefghijklmnop")
    (line,) = log.lines()
    assert line == {
        "timestamp": "2026-11-05T10:00:00.123Z",
        "level": "warning",
        "event": f"missed by 3 s, bearer {REDACTED}",
        "logger": f"scene.logs.{name}",
    }


def test_a_third_partys_exception_is_logged() -> None:
    """What a library logs with `exception` keeps its traceback."""
    log = Log()
    try:
        raise OSError("token=abcdef")
    except OSError:
        logging.getLogger("scene.logs.apscheduler").exception("job failed")
    (line,) = log.lines()
    assert line["exception"].endswith(f"OSError: token={REDACTED}")


@pytest.mark.parametrize(("level", "events"), [(logging.DEBUG, 2), (logging.INFO, 1)])
def test_the_level_is_chaosds_own(level: int, events: int) -> None:
    """Debug lines come when they are asked for, and then not from third parties."""
    log = Log(level=level)
    log.logger.debug("detail")
    log.logger.info("news")
    logging.getLogger("scene.logs.urllib3").debug("chatter")
    assert len(log.lines()) == events


def test_configuring_again_replaces() -> None:
    """A line never comes twice."""
    Log()
    again = Log()
    logging.getLogger("scene.logs.urllib3").warning("once")
    again.logger.info("once")
    assert len(again.lines()) == 2


@pytest.mark.parametrize(
    "name",
    """token bearer_token Authorization password db_passwd clientSecret credentials Set-Cookie
    api-key client_key_data privateKey kubeconfig""".split(),
)
def test_a_secret_name_hides_its_value(name: str) -> None:
    """Whatever stands under such a name is blanked, at any depth."""
    log = Log()
    log.logger.info("x", **{name: "hunter2"}, nested=[{"headers": {name: ["hunter2"]}}])
    assert "hunter2" not in log.text
    assert log.text.count(REDACTED) == 2


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer hunter2hunter2",
        "authorization: basic aHVudGVyMjpodW50ZXIy",
        f"found {TOKEN} in the answer",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nhunter2",
        "GET https://admin:hunter2@etcd:2379/ failed",
        "https://host/path?access_token=hunter2&x=1",
        '{"password": "hunter2"}',
        "CHAOSD_TOKEN=hunter2",
    ],
)
def test_a_secret_inside_a_text_is_blanked(text: str) -> None:
    """Error messages quote requests: what looks like a secret in them does not come out."""
    log = Log()
    log.logger.info(text, error=text, exc_info=ValueError(text))
    for secret in ("hunter2", "aHVudGVyMjpodW50ZXIy", TOKEN):
        assert secret not in log.text
    assert log.text.count(REDACTED) >= 3


@pytest.mark.parametrize(
    "text",
    [
        "an expired continue token: list again",
        "policies[0].tokens: unknown key, did you mean `count`?",
        "web/*/2026-11-05T10:00:00Z#0",
        "basic checks passed",
        "https://host:8443/path?limit=500",
        "the bearer of this",
    ],
)
def test_plain_words_stay(text: str) -> None:
    """What only speaks of secrets is left as it is."""
    log = Log()
    log.logger.info("x", detail=text)
    assert log.lines()[0]["detail"] == text


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_any_value_can_be_logged(fields: dict[str, Any]) -> None:
    """Redaction never fails, and leaves something that JSON can carry."""
    cleaned = without_secrets(None, "info", {**fields, "at": datetime(2026, 11, 5, tzinfo=UTC)})
    assert json.loads(json.dumps(cleaned))["at"] == "2026-11-05T00:00:00Z"
