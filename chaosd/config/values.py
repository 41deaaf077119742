"""The types of single values: how each is read, and what the schema says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, TypeVar, cast

from pydantic import Field, PlainValidator, Strict, WithJsonSchema

from chaosd.config import addresses, reading
from chaosd.config.problems import found
from chaosd.core.localtime import parse_zone
from chaosd.core.schedule import Cron
from chaosd.core.selector import Selector
from chaosd.core.window import parse_clock, parse_days

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shown:
    """What the reference calls a type."""

    name: str


class Unread(str):
    """Stands in a list for an item that could not be read, so that the others keep their places."""

    __slots__ = ()


def _text(parse: Callable[[str], T], expected: str, *, free: bool = False) -> PlainValidator:
    """A validator that gives a text to `parse` and takes nothing else.

    `free`: any text could be meant, so a number or `true` only lacks its quotes.
    """

    def validate(value: object) -> T:
        if isinstance(value, Unread):
            return cast(T, value)  # what stands in lists are texts
        if isinstance(value, str):
            reading.check_text(value, printable=free)
            return parse(value)
        literal = str(value).lower() if isinstance(value, bool | int | float) else ""
        quotes = f': write "{literal}" in quotes' if free and literal else ""
        raise ValueError(f"expected {expected}, {found(value)}{quotes}")

    return PlainValidator(validate)


def _schema(pattern: str | None = None, **more: object) -> WithJsonSchema:
    """Patterns have to mean the same in Python, JavaScript (editors) and Go (Helm)."""
    return WithJsonSchema({"type": "string", **({"pattern": pattern} if pattern else {}), **more})


_DURATION = _schema("^([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$", minLength=1)
_DNS_LABEL = _schema("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"

Flag = Annotated[bool, Strict(), Shown("true or false")]
Count = Annotated[int, Strict(), Field(ge=1), Shown("whole number")]
CountOrZero = Annotated[int, Strict(), Field(ge=0), Shown("whole number")]
Text = Annotated[str, _text(str, "a text", free=True), _schema(), Shown("text")]
Filled = Annotated[str, _text(reading.filled, "a text", free=True), _schema(r"\S"), Shown("text")]
Duration = Annotated[
    timedelta, PlainValidator(reading.duration(zero=False)), _DURATION, Shown("duration")
]
DurationOrZero = Annotated[
    timedelta, PlainValidator(reading.duration(zero=True)), _DURATION, Shown("duration")
]
Days = Annotated[
    frozenset[int],
    _text(reading.named(parse_days), "days such as Mon-Fri"),
    _schema(),
    Shown("days"),
]
Start = Annotated[
    int,
    _text(reading.named(parse_clock), 'a time of day such as "09:00"'),
    _schema(f"^{_CLOCK}$"),
    Shown("time of day"),
]
End = Annotated[
    int,
    _text(reading.named(reading.end_of_window), 'a time of day such as "17:00"'),
    _schema(f"^({_CLOCK}|24:00)$"),
    Shown("time of day"),
]
Day = Annotated[
    date,
    _text(reading.named(reading.day), "a date such as 2026-12-24"),
    WithJsonSchema({"type": "string", "format": "date"}),
    Shown("date"),
]
Zone = Annotated[
    str,
    _text(parse_zone, "the name of a time zone such as Europe/Berlin"),
    _schema(),
    Shown("time zone"),
]
Country = Annotated[
    str,
    _text(reading.country, "a country code such as DE"),
    _schema("^[A-Z]{2}$"),
    Shown("country"),
]
PolicyName = Annotated[
    str, _text(reading.policy_name, "a name", free=True), _DNS_LABEL, Shown("name")
]
Namespace = Annotated[
    str, _text(reading.namespace, "a namespace", free=True), _DNS_LABEL, Shown("namespace")
]
NamespaceGlob = Annotated[
    str,
    _text(reading.namespace_glob, "a namespace or a glob", free=True),
    _schema("^[-a-z0-9*?]{1,63}$"),
    Shown("namespaces or glob"),
]
Kind = Annotated[
    str,
    _text(reading.kind, "a kind such as Deployment"),
    _schema("^[A-Z][A-Za-z0-9]{0,62}$"),
    Shown("kind"),
]
Regex = Annotated[
    str,
    _text(reading.regex, "a regular expression", free=True),
    _schema(),
    Shown("regular expression"),
]
Labels = Annotated[
    Selector,
    _text(reading.selector, "a label selector as text, such as tier in (web, api)"),
    _schema(),
    Shown("label selector"),
]
LabelKey = Annotated[
    str, _text(reading.label_key, "a label key", free=True), _schema(), Shown("label key")
]
PoolLabel = Annotated[
    str, _text(reading.pool_label, "a label key", free=True), _schema(), Shown("label key")
]
Container = Annotated[
    str,
    _text(reading.container, "a container's name", free=True),
    _schema("^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$"),
    Shown("name"),
]
Image = Annotated[
    str,
    _text(reading.image, "an image", free=True),
    _schema("^[A-Za-z0-9][A-Za-z0-9._:/@-]*$"),
    Shown("image"),
]
LabelValue = Annotated[
    str, _text(reading.label_value, "a label value", free=True), _schema(), Shown("label value")
]
CronText = Annotated[
    Cron,
    _text(reading.cron, 'a cron expression such as "0 10 * * TUE"'),
    _schema(),
    Shown("cron expression"),
]
Port = Annotated[int, Strict(), Field(ge=1, le=65535), Shown("whole number")]
Endpoint = Annotated[
    str,
    _text(addresses.endpoint, "a URL such as https://10.0.0.1:2379"),
    _schema("^https?://[^/?#@ ]+:[0-9]{1,5}/?$"),
    Shown("URL"),
]
ApiUrl = Annotated[
    str,
    _text(addresses.base_url, "a URL such as http://prometheus.monitoring:9090"),
    _schema("^https?://[^?#@ ]+$"),
    Shown("URL"),
]
FilePath = Annotated[
    str,
    _text(addresses.path, "an absolute path", free=True),
    _schema("^(/.*)?$"),
    Shown("path"),
]
SecretFile = Annotated[str, PlainValidator(addresses.secret_file), _schema("^/"), Shown("path")]
ServerName = Annotated[
    str, _text(addresses.server_name, "a host name", free=True), _schema(), Shown("host name")
]
