"""Groups of keys that stand at the top of a configuration, and partly in policies too."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from chaosd.config.values import (
    Count,
    Country,
    Day,
    Days,
    End,
    Image,
    LabelKey,
    LabelValue,
    Namespace,
    Start,
    Text,
)
from chaosd.core.model import Limits, OptIn

_OPT_IN = OptIn()
_LIMITS = Limits(per_hour=6, per_day=20, concurrent=1)


def unit(name: str) -> dict[str, Any]:
    """What a number counts, for the schema and the reference."""
    return {"unit": name}


def one_of(*keys: str) -> dict[str, Any]:
    """Exactly one of `keys` must be there, for the schema."""
    return {"oneOf": [{"required": [key]} for key in keys]}


class Group(BaseModel):
    """A group of keys: written in camelCase, no other keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class OptInSettings(Group):
    """How things opt in."""

    label: LabelKey = Field(
        default=_OPT_IN.label,
        description="The label by which a workload, its pods, its namespace or a node opt in.",
    )
    value: LabelValue = Field(
        default=_OPT_IN.value,
        description='The value that opts in. The value `"false"` on any of them is a veto.',
    )


class HelperSettings(Group):
    """The helper pod that `crash` and `reboot` need: privileged, so off unless it has a place."""

    namespace: Namespace | None = Field(
        default=None,
        description="Where helper pods are made: a namespace of their own that allows privileged"
        " pods. Not written: there are none.",
    )
    image: Image | None = Field(
        default=None,
        description="chaosd's own image. The chart sets it, by `CHAOSD_HELPER__IMAGE`.",
    )


class WeeklySettings(Group):
    """Hours of some days of the week. A window that wraps belongs to the day it starts on."""

    days: Days = Field(description="The days.", examples=["Mon-Fri"])
    start: Start = Field(
        alias="from", description="When it starts, local time.", examples=["09:00"]
    )
    end: End = Field(
        alias="to",
        description="When it ends (the instant itself is outside). Before `from`: the next day.",
        examples=["17:00"],
    )


class DatesSettings(Group):
    """Whole local days."""

    first: Day = Field(description="The first day.", examples=["2026-12-18"])
    last: Day = Field(description="The last day, included.", examples=["2027-01-04"])


class HolidaysSettings(Group):
    """Public holidays, as whole local days."""

    country: Country = Field(
        description="The country, by its ISO 3166-1 code of two letters.", examples=["DE"]
    )
    subdivision: Text | None = Field(
        default=None, description="A part of the country, by its ISO 3166-2 code, like `BE`."
    )


class RuleSettings(Group):
    """One rule of windows: exactly one of `weekly`, `dates` and `holidays`."""

    model_config = ConfigDict(json_schema_extra=one_of("weekly", "dates", "holidays"))

    name: Text = Field(default="", description="What reasons call it.")
    weekly: WeeklySettings | None = Field(default=None, description="Hours of the week.")
    dates: DatesSettings | None = Field(default=None, description="Days of the calendar.")
    holidays: HolidaysSettings | None = Field(default=None, description="Public holidays.")


class AlwaysRule(RuleSettings):
    """What the word `always` stands for."""


def _always(value: object) -> object:
    if value == "always":
        return [AlwaysRule()]
    if isinstance(value, list):
        return [AlwaysRule() if item == "always" else item for item in value]
    return value


def _or_always(schema: dict[str, Any]) -> None:
    always = {"const": "always"}
    for one in schema["anyOf"]:
        if "items" in one:
            one["items"] = {"anyOf": [always, one["items"]]}
    schema["anyOf"].insert(0, always)


class WindowsSettings(Group):
    """When something may start."""

    allow: Annotated[list[RuleSettings] | None, BeforeValidator(_always)] = Field(
        default=None,
        description=(
            "Open while any rule holds; or the word `always`. A live configuration must say it;"
            " a dry run without it is always open."
        ),
        json_schema_extra=_or_always,
    )
    deny: list[RuleSettings] = Field(
        default=[], description="Closed while any rule holds. Deny wins."
    )


class PolicyWindowsSettings(WindowsSettings):
    """When a policy may start something: only narrows the global windows."""

    allow: Annotated[list[RuleSettings] | None, BeforeValidator(_always)] = Field(
        default=None,
        description="Open while any rule holds and the global windows are open.",
        json_schema_extra=_or_always,
    )


class LimitsSettings(Group):
    """How much may be struck, over all policies. Rolling, and outlives restarts."""

    per_hour: Count = Field(
        default=_LIMITS.per_hour or 0,
        description="Within any 60 minutes.",
        json_schema_extra=unit("kills"),
    )
    per_day: Count = Field(
        default=_LIMITS.per_day or 0,
        description="Within any 24 hours.",
        json_schema_extra=unit("kills"),
    )
    concurrent: Count = Field(
        default=_LIMITS.concurrent or 0,
        description="Struck and not yet recovered at the same time.",
        json_schema_extra=unit("kills"),
    )


class PolicyLimitsSettings(Group):
    """How much one policy may strike, on top of the global limits."""

    per_hour: Count | None = Field(
        default=None, description="Within any 60 minutes.", json_schema_extra=unit("kills")
    )
    per_day: Count | None = Field(
        default=None, description="Within any 24 hours.", json_schema_extra=unit("kills")
    )
    concurrent: Count | None = Field(
        default=None,
        description="Struck and not yet recovered at the same time.",
        json_schema_extra=unit("kills"),
    )
