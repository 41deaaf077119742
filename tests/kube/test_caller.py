"""One request: counted, its clock compared, its errors raised."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime

import pytest

from chaosd.kube.caller import Call, Caller
from chaosd.kube.transport import Reply
from chaosd.ports import NotFound, NotSent, Unanswered
from tests.support.clock import VirtualClock
from tests.support.scripted import Answer, ScriptedTransport, reply

GET = Call(verb="get", resource="pods", method="GET", path="/api/v1/pods", timeout=5.0)


def caller(
    clock: VirtualClock, *answers: Answer
) -> tuple[Caller, list[tuple[str, str, str, float]]]:
    seen: list[tuple[str, str, str, float]] = []
    transport = ScriptedTransport(list(answers))
    return Caller(transport, clock, lambda *what: seen.append(what)), seen


def dated(
    clock: VirtualClock, *, ahead: float = 0.0, takes: float = 0.0, status: int = 200
) -> Callable[[], Reply]:
    """An answer whose Date is read, cut to seconds, in the middle of the ``takes`` seconds."""

    def answer() -> Reply:
        clock.advance(takes / 2)
        date = format_datetime(clock.now() + timedelta(seconds=ahead), usegmt=True)
        clock.advance(takes / 2)
        return reply(status, date=date)

    return answer


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply(200), "200"),
        (reply(404), "404"),
        (NotSent("refused"), "notSent"),
        (Unanswered("lost"), "unanswered"),
    ],
)
def test_every_request_is_counted_by_how_it_ended(answer: Answer, code: str) -> None:
    """What metrics count is verb, resource and outcome, for failures too."""
    one, seen = caller(VirtualClock(), answer)
    with contextlib.suppress(NotSent, Unanswered, NotFound):
        one.send(GET)
    assert seen == [("get", "pods", code, 0.0)]


@pytest.mark.parametrize("ahead", [-3600.0, -7.0, 0.0, 6.0, 86_400.0])
@pytest.mark.parametrize("takes", [0.0, 0.4, 1.9])
def test_the_skew_is_known_to_a_second(ahead: float, takes: float) -> None:
    """The server's clock is compared with ours in the middle of the request."""
    clock = VirtualClock()
    clock.advance(0.37)
    one, _ = caller(clock, dated(clock, ahead=ahead, takes=takes))
    one.send(GET)
    skew = one.skew()
    assert skew is not None
    assert abs(skew - ahead) <= 0.5


def test_skew_is_unknown_at_first_and_again_after_a_minute() -> None:
    """An old answer says nothing of the clock now."""
    clock = VirtualClock()
    one, _ = caller(clock, dated(clock))
    assert one.skew() is None
    one.send(GET)
    clock.advance(60)
    assert one.skew() is not None
    clock.advance(1)
    assert one.skew() is None


@pytest.mark.parametrize(
    "useless",
    [
        reply(200),
        reply(200, b"{}", date="yesterday"),
        reply(200, b"{}", date="Mon, 05 Jan 2026 09:00:00 -0000"),
    ],
)
def test_an_answer_without_a_readable_date_says_nothing(useless: Reply) -> None:
    """No clock is better than a wrong one."""
    one, _ = caller(VirtualClock(), useless)
    one.send(GET)
    assert one.skew() is None


def test_slow_and_gateway_answers_leave_the_last_good_one() -> None:
    """An answer that took long, or that a gateway gave, does not touch what is known."""
    clock = VirtualClock()
    slow = dated(clock, ahead=500, takes=10)
    gateway = dated(clock, ahead=500, status=502)
    refused = dated(clock, ahead=-30, status=404)
    one, _ = caller(clock, dated(clock, ahead=2), slow, gateway, refused)
    one.send(GET)
    known = one.skew()
    one.send(GET)
    with pytest.raises(Exception, match="502"):
        one.send(GET)
    assert one.skew() == known
    with pytest.raises(NotFound):
        one.send(GET)
    assert one.skew() == pytest.approx(-29.5)


def test_a_body_is_sent_as_json_with_its_type() -> None:
    """What is sent says what it is; what has no body says nothing."""
    transport = ScriptedTransport([reply(200), reply(200)])
    one = Caller(transport, VirtualClock(), lambda *_: None)
    one.send(GET)
    patch = Call(
        verb="patch",
        resource="pods",
        method="PATCH",
        path="/x",
        content_type="application/merge-patch+json",
        body={"a": None},
        timeout=1.0,
    )
    one.send(patch)
    assert transport.sent[0].body is None
    assert "Content-Type" not in transport.sent[0].headers
    assert transport.sent[1].body == b'{"a":null}'
    assert transport.sent[1].headers["Content-Type"] == "application/merge-patch+json"
