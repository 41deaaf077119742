"""What the API answers when it can't: problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from msgspec import Struct, field
from starlette.responses import Response

PROBLEM_TYPE = "application/problem+json"


class Mistake(Struct, frozen=True):
    """A query parameter that is wrong: what was given, and what was expected."""

    parameter: str
    given: str
    expected: str


class Problem(Struct, frozen=True):
    """Why there is no answer. ``mistakes`` are all that the query has."""

    title: str
    status: int
    detail: str = ""
    mistakes: tuple[Mistake, ...] = ()
    type: str = field(default="about:blank")


class Refused(Exception):
    """A request that gets a problem instead of an answer."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        mistakes: tuple[Mistake, ...] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(status.phrase, int(status), detail, mistakes)
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}


def problem_response(problem: Problem, headers: Mapping[str, str]) -> Response:
    """A problem on its way to the client."""
    return Response(
        msgspec.json.encode(problem), problem.status, dict(headers), media_type=PROBLEM_TYPE
    )
