"""The API's query parameters: structs, read with every mistake reported at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta, Struct, field

from chaosd.core.ledger import Result, Verdict
from chaosd.daemon.problems import Mistake, Refused

Q = TypeVar("Q", bound=Struct)
LONGEST_TARGET = 600
_SHOWN = 200
REF = "#/components/schemas/{name}"
"""Where an OpenAPI document keeps the schemas that others refer to."""

_Policy = Annotated[str, Meta(min_length=1, max_length=63, description="the name of a policy")]
_Month = Annotated[
    str,
    Meta(
        pattern=r"^(19(7[1-9]|[89][0-9])|20[0-9]{2}|21([0-8][0-9]|9[0-8]))-(0[1-9]|1[0-2])\Z",
        description="a month from 1971-01 to 2198-12, such as 2026-12",
    ),
]
_Instant = Annotated[
    datetime,
    Meta(
        tz=True,
        description="an instant in RFC 3339, such as 2026-12-18T10:00:00Z (write a + as %2B)",
    ),
]


class Nothing(Struct, frozen=True):
    """No parameters."""


class KillsQuery(Struct, frozen=True):
    """Which kills."""

    policy: _Policy | None = None
    result: Annotated[Result, Meta(description="one of killed, refused, failed, dryRun")] | None = (
        None
    )
    verdict: (
        Annotated[Verdict, Meta(description="one of recovered, notRecovered, closed, forgiven")]
        | None
    ) = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="a whole number from 1 to 1000")] = 100


class DaysQuery(Struct, frozen=True):
    """Which kills to count."""

    policy: _Policy | None = None


class PlanQuery(Struct, frozen=True):
    """How far ahead to look, and how many kills to list."""

    days: Annotated[int, Meta(ge=1, le=31, description="a whole number from 1 to 31")] = 7
    limit: Annotated[int, Meta(ge=1, le=1000, description="a whole number from 1 to 1000")] = 100


class WindowsQuery(Struct, frozen=True):
    """A range of time: from now on, 31 days, unless said otherwise."""

    policy: _Policy | None = None
    start: _Instant | None = field(default=None, name="from")
    end: _Instant | None = field(default=None, name="until")


class ExplainQuery(Struct, frozen=True):
    """What is asked about."""

    target: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=LONGEST_TARGET,
            description="namespace/Kind/name, Kind/name of what opted in, namespace/pod-name, "
            "node/NAME, or Etcd/NAME of a declared cluster, "
            f"in {LONGEST_TARGET} characters at most",
        ),
    ]


class CalendarQuery(Struct, frozen=True):
    """A policy's windows, or those of all; the first of twelve months (None: last month)."""

    policy: _Policy | None = None
    first: _Month | None = field(default=None, name="from")


def read(kind: type[Q], given: Iterable[tuple[str, str]]) -> Q:
    """A query, read from its pairs; raises Refused with all mistakes."""
    pairs = list(given)
    fields = {one.encode_name: one for one in msgspec.structs.fields(kind)}
    mistakes: list[Mistake] = []
    for name, times in Counter(name for name, _ in pairs).items():
        if name not in fields:
            known = f"a known parameter ({', '.join(fields)})" if fields else "no parameters"
            mistakes.append(Mistake(name[:_SHOWN], "", known))
        elif times > 1:
            mistakes.append(Mistake(name, f"{times} times", "it once"))
    texts = dict(pairs)
    values: dict[str, Any] = {}
    for name, one in fields.items():
        if name not in texts:
            if one.required:
                mistakes.append(Mistake(name, "", expected(one.type)))
            continue
        try:
            values[one.name] = msgspec.convert(texts[name], _bare(one.type), strict=False)
        except msgspec.ValidationError:
            mistakes.append(Mistake(name, texts[name][:_SHOWN], expected(one.type)))
    if mistakes:
        raise wrong(mistakes)
    return kind(**values)


def wrong(mistakes: Iterable[Mistake]) -> Refused:
    """The refusal of a query with these mistakes."""
    found = tuple(mistakes)
    said = "; ".join(f"{one.parameter}: expected {one.expected}" for one in found)
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, said, found)


def expected(kind: Any) -> str:
    """What a parameter's type says of itself."""
    said = [m.description for m in _bare(kind).__metadata__ if isinstance(m, Meta)]
    return said[0] or "something else"


def schema_of(kind: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The JSON schema of a parameter's type, and the components that it refers to."""
    (schema,), components = msgspec.json.schema_components((_bare(kind),), ref_template=REF)
    return schema, components


def _bare(kind: Any) -> Any:
    """A parameter's type without None, which stands for a parameter that is not there."""
    return next((one for one in get_args(kind) if get_origin(one) is Annotated), kind)
