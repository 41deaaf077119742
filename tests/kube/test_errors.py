"""Answers of the API server become exceptions by their status."""

from __future__ import annotations

import json

import pytest

from chaosd.kube.errors import PageExpired, error_of
from chaosd.ports import (
    Answered,
    Conflict,
    Expired,
    Forbidden,
    Invalid,
    NotFound,
    ServerFault,
    TooManyRequests,
)
from tests.support.scripted import reply


def status(message: str = "", reason: str = "", **more: object) -> bytes:
    body = {"kind": "Status", "apiVersion": "v1", "message": message, "reason": reason, **more}
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, Invalid),
        (401, Forbidden),
        (403, Forbidden),
        (404, NotFound),
        (405, Answered),
        (409, Conflict),
        (410, Expired),
        (413, Invalid),
        (415, Invalid),
        (422, Invalid),
        (429, TooManyRequests),
        (302, Answered),
        (500, ServerFault),
        (503, ServerFault),
        (504, ServerFault),
        (599, ServerFault),
    ],
)
def test_the_status_decides_the_exception(code: int, kind: type[Answered]) -> None:
    """Every status has its exception; what is new above 500 may have happened, below it not."""
    error = error_of(reply(code, status("no", "Because")))
    assert type(error) in (kind, PageExpired)
    assert isinstance(error, kind)
    assert (error.status, error.reason, error.message) == (code, "Because", "no")


@pytest.mark.parametrize("code", [404, 409, 410])
@pytest.mark.parametrize("body", [b"404 page not found\n", b"", b'{"no": "status"}', b"<html>"])
def test_a_gateway_says_nothing_about_objects(code: int, body: bytes) -> None:
    """Only a Kubernetes Status can mean that a pod is gone or another: a proxy in between that
    knows no such path must not settle a kill."""
    assert type(error_of(reply(code, body))) is Answered


def test_a_refused_eviction_keeps_its_cause() -> None:
    """The words of the disruption budget reach whoever reads the outcome."""
    cause = "The disruption budget web needs 2 healthy pods and has 2 currently"
    details = {"causes": [{"reason": "DisruptionBudget", "message": cause}]}
    error = error_of(reply(429, status("Cannot evict", "TooManyRequests", details=details)))
    assert error.causes == (f"DisruptionBudget: {cause}",)
    assert error.retry_after is None


def test_a_wrong_field_is_named() -> None:
    """The causes of an invalid object say which field is meant."""
    causes = [{"reason": "FieldValueInvalid", "field": "spec.replicas", "message": "negative"}]
    error = error_of(reply(422, status(details={"causes": causes})))
    assert error.causes == ("FieldValueInvalid: spec.replicas: negative",)


@pytest.mark.parametrize(
    ("headers", "details", "seconds"),
    [
        ({"retry_after": "7"}, {}, 7.0),
        ({}, {"retryAfterSeconds": 3}, 3.0),
        ({"retry_after": "7"}, {"retryAfterSeconds": 3}, 7.0),
        ({"retry_after": "Wed, 21 Oct 2026 07:28:00 GMT"}, {}, None),
        ({"retry_after": "-1"}, {}, None),
        ({"retry_after": "²"}, {}, None),
        ({}, {"retryAfterSeconds": 0}, None),
    ],
)
def test_when_to_come_again(
    headers: dict[str, str], details: dict[str, int], seconds: float | None
) -> None:
    """Retry-After is taken from the header or else the body, and only when it is a number."""
    error = error_of(reply(503, status(details=details), **headers))
    assert error.retry_after == seconds


def test_an_expired_list_may_offer_to_go_on() -> None:
    """A 410 carries the token with which the rest of the list can still be had."""
    error = error_of(reply(410, status("too old", "Expired", metadata={"continue": "abc"})))
    assert isinstance(error, PageExpired)
    assert error.go_on == "abc"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            b"<html>\n<h1>502</h1>\x1b[31m Bad\tGateway</html>",
            "<html> <h1>502</h1> [31m Bad Gateway",
        ),
        (b"", ""),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"[1,2]", "[1,2]"),
        (b'{"no": "status"}', '{"no": "status"}'),
    ],
)
def test_a_body_that_is_no_status_is_quoted_in_one_short_line(body: bytes, message: str) -> None:
    """A proxy's page can't flood a log or steer a terminal."""
    error = error_of(reply(502, body))
    assert error.message.startswith(message)
    assert error.message.isprintable()
    assert len(error_of(reply(502, body * 100)).message) <= 200
