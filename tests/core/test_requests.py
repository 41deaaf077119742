"""Requests for one attempt: posted by a person, taken once, answered once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chaosd.core.ledger import Ledger, Request
from chaosd.core.model import Code, Reason
from chaosd.core.requests import (
    VALID,
    abandoned,
    action_id,
    answer,
    late_answer,
    post,
    take,
    waiting,
)
from chaosd.core.transitions import Refusal, Writer, lead
from tests.core.ledgers import LEADER, MOMENT, NOW, SECOND, did, intent, killed, led, reserved

REASONS = (Reason(Code.HALTED, "by ann"),)


def request(name: str = "abcd1234", seconds: float = 0) -> Request:
    at = NOW + timedelta(seconds=seconds)
    return Request(name, "web", "ann", at, at + VALID)


def posted() -> Ledger:
    return post(led(), request())


def ids(ledger: Ledger, seconds: float = 0) -> list[str]:
    return [one.id for one in waiting(ledger, NOW + timedelta(seconds=seconds))]


def test_a_request_waits_until_it_is_taken() -> None:
    """What was taken does not wait any more, and says who took it."""
    taken = did(take(posted(), LEADER, "abcd1234"))
    assert ids(posted()) == ["abcd1234"]
    assert ids(taken) == []
    assert taken.requests["abcd1234"].taken_by == LEADER.holder


def test_requests_wait_in_the_order_in_which_they_were_made() -> None:
    """The oldest comes first; of two at the same instant, the smaller name."""
    ledger = led()
    for one in (request("cccccccc", 1), request("bbbbbbbb", 2), request("aaaaaaaa", 1)):
        ledger = post(ledger, one)
    assert ids(ledger, 2) == ["aaaaaaaa", "cccccccc", "bbbbbbbb"]


def test_a_request_expires_at_its_end() -> None:
    """It waits up to its last moment, and not at the instant that it names."""
    ledger, end = posted(), NOW + VALID
    assert waiting(ledger, end - MOMENT) == (request(),)
    assert waiting(ledger, end) == ()


def test_only_the_first_leader_takes_a_request() -> None:
    """A second leader finds it taken and changes nothing."""
    taken = did(take(posted(), LEADER, "abcd1234"))
    later = lead(taken, "chaosd-1.b2", NOW)
    assert did(take(later, Writer("chaosd-1.b2", 2), "abcd1234")) == later


def test_the_first_answer_stays() -> None:
    """An answer is given once, with its reasons."""
    taken = did(take(posted(), LEADER, "abcd1234"))
    answered = did(answer(taken, LEADER, "abcd1234", "skipped", REASONS))
    found = answered.requests["abcd1234"]
    assert (found.answer, found.reasons) == ("skipped", REASONS)
    assert did(answer(answered, LEADER, "abcd1234", "killed", ())) == answered


def test_what_was_posted_again_is_not_attempted_again() -> None:
    """A post whose answer was lost is given again: it finds its request, taken or answered."""
    taken = did(take(posted(), LEADER, "abcd1234"))
    assert post(taken, request()) == taken
    answered = did(answer(taken, LEADER, "abcd1234", "skipped", REASONS))
    assert post(answered, request()) == answered


def test_what_was_answered_is_not_taken() -> None:
    """An answer ends a request, also one that nobody took."""
    answered = did(answer(posted(), LEADER, "abcd1234", "skipped", REASONS))
    assert ids(answered) == []
    assert did(take(answered, LEADER, "abcd1234")) == answered


@pytest.mark.parametrize("writer", [Writer("chaosd-0.a1", 0), Writer("chaosd-1.b2", 1)])
def test_only_the_leader_takes_and_answers(writer: Writer) -> None:
    """Another process, or another term, is refused with the reason."""
    for refused in (
        take(posted(), writer, "abcd1234"),
        answer(posted(), writer, "abcd1234", "killed", ()),
    ):
        assert isinstance(refused, Refusal)
        assert [reason.code for reason in refused.reasons] == [Code.NOT_LEADING]


def test_unknown_requests_change_nothing() -> None:
    """A request that was forgotten meanwhile is no reason to fail."""
    assert did(take(led(), LEADER, "nothing1")) == led()
    assert did(answer(led(), LEADER, "nothing1", "killed", ())) == led()
    assert waiting(led(), NOW + SECOND) == ()


def test_who_can_answer_a_request_that_was_taken() -> None:
    """Its taker, as long as it leads and is busy with it; then whoever leads."""
    taken = did(take(posted(), LEADER, "abcd1234"))
    [request_] = taken.requests.values()
    assert abandoned(posted(), LEADER.holder, set()) == ()
    assert abandoned(taken, LEADER.holder, {"abcd1234"}) == ()
    assert abandoned(taken, LEADER.holder, set()) == (request_,)
    assert abandoned(taken, "chaosd-1.b2", {"abcd1234"}) == (request_,)
    done = did(answer(taken, LEADER, "abcd1234", "killed", ()))
    assert abandoned(done, "chaosd-1.b2", set()) == ()


def test_a_late_answer_is_what_the_intent_says() -> None:
    """Nothing reserved is nothing struck; what is open is waited for."""
    taken = did(take(posted(), LEADER, "abcd1234"))
    [request_] = taken.requests.values()
    found = late_answer(taken, request_)
    assert found is not None
    assert (found[0], [reason.code for reason in found[1]]) == ("skipped", [Code.NOT_LEADING])
    assert action_id(request_).endswith("#0.abcd1234")
    mine = intent(action_id=action_id(request_))
    open_ = reserved(taken, mine)
    assert late_answer(open_, request_) is None
    assert late_answer(killed(taken, mine), request_) == ("killed", ())
