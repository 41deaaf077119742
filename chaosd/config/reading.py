"""How single values are read from text; each ValueError says what to write instead."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from datetime import date, timedelta
from difflib import get_close_matches
from typing import TypeVar

from chaosd.config.problems import found, shown
from chaosd.core import duration as durations
from chaosd.core.holiday import check_holidays
from chaosd.core.labels import key_problem, value_problem
from chaosd.core.schedule import Cron
from chaosd.core.selector import Selector
from chaosd.core.window import parse_clock

T = TypeVar("T")

FIRST_YEAR, LAST_YEAR = 2000, 2199
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_GLOB = re.compile(r"[-a-z0-9*?]{1,63}")
_KIND = re.compile(r"[A-Z][A-Za-z0-9]{0,62}")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*")
_LONGEST_REGEX = 1000
_LONGEST_TEXT = 5000

KINDS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod")
"""The kinds that chaosd knows of itself; any other is a kind of somebody's own."""


def nearest(wrong: str, known: tuple[str, ...]) -> str | None:
    """The known word that `wrong` was probably meant to be, whatever its case."""
    by_lower = {one.lower(): one for one in known}
    close = get_close_matches(wrong.lower()[:80], by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def check_text(text: str, *, printable: bool) -> None:
    """Refuse a text that is too long, or that could not be written into a log or a metric."""
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"longer than {_LONGEST_TEXT} characters: write less")
    odd = [one for one in text if "\ud800" <= one <= "\udfff"]
    if printable:
        odd += (one for one in text if not one.isprintable())
    if odd:
        raise ValueError(f"holds the character {odd[0]!r}, which can't be shown: remove it")


def duration(*, zero: bool) -> Callable[[object], timedelta]:
    """Give a reader of durations; a bare 0 is one, too, where `zero` is allowed."""

    def validate(value: object) -> timedelta:
        if isinstance(value, str | int) and not isinstance(value, bool):
            text = str(value)
            if value == 0 and zero:
                text = "0s"
            try:
                return durations.parse(text, zero=zero)
            except ValueError as error:
                raise ValueError(f"{shown(text)}: {error}") from None
        raise ValueError(f"expected a duration such as 90s, 1h30m or 2d, {found(value)}")

    return validate


def named(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Put the text that was read before what is wrong with it."""

    def parsed(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            message = str(error)
            raise ValueError(
                message if shown(text) in message else f"{shown(text)}: {message}"
            ) from None

    return parsed


def day(text: str) -> date:
    """Read YYYY-MM-DD, in years for which zones and holidays are known."""
    if not _DATE.fullmatch(text):
        raise ValueError("not a date: write YYYY-MM-DD, such as 2026-12-24")
    try:
        value = date.fromisoformat(text)
    except ValueError:
        raise ValueError("no such day: write one that the month has, in that year") from None
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"out of range: write a year from {FIRST_YEAR} to {LAST_YEAR}")
    return value


def end_of_window(text: str) -> int:
    """Read HH:MM up to 24:00 as seconds after midnight."""
    return parse_clock(text, end=True)


def country(text: str) -> str:
    """Check the code of a country whose holidays are known; its name leads to the code."""
    try:
        check_holidays(text, None)
    except ValueError as error:
        # Imported late, as in core: only a configuration with holidays should pay for it.
        from holidays.registry import COUNTRIES  # noqa: PLC0415

        wanted = text.strip().lower().replace(" ", "_")
        for module, (_, code, *others) in COUNTRIES.items():
            if wanted in (module, *(other.lower() for other in others)):
                raise ValueError(f"unknown country {shown(text)}: write {code}") from None
        raise ValueError(str(error)) from None
    return text


def cron(text: str) -> Cron:
    """Read a cron expression of five fields."""
    return Cron(text)


def policy_name(text: str) -> str:
    """Check a name of our own; it keeps to RFC 1123 labels, as the names of objects do."""
    if _DNS_LABEL.fullmatch(text):
        return text
    near = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-")
    raise ValueError(
        f"{shown(text)} can't be a name (it goes into metrics and action ids): expected 1 to 63 "
        f"lower case letters, digits and '-', a letter or digit first and last; "
        f"write {near or 'one such as web'}"
    )


def namespace(text: str) -> str:
    """Check a namespace: an RFC 1123 label.

    Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
    """
    if _DNS_LABEL.fullmatch(text):
        return text
    hint = "; globs are for select.namespaces" if "*" in text or "?" in text else ""
    raise ValueError(
        f"{shown(text)} is no namespace: expected 1 to 63 lower case letters, digits and '-'{hint}"
    )


def namespace_glob(text: str) -> str:
    """Check a namespace in which * and ? may stand for other characters."""
    if _GLOB.fullmatch(text):
        return text
    hint = ""
    if text.startswith("!"):
        hint = '; nothing is excluded here: list what is meant, or label it with the value "false"'
    raise ValueError(
        f"{shown(text)} is no namespace: expected lower case letters, digits, '-', "
        f"and * or ? for any others, like team-*{hint}"
    )


def kind(text: str) -> str:
    """Check the kind of a workload; unknown ones are somebody's own, if they look like one."""
    if _KIND.fullmatch(text) and (text in KINDS or text.lower() not in _PLURALS):
        return text
    near = _PLURALS.get(text.lower()) or nearest(text, KINDS)
    raise ValueError(
        f"{shown(text)} is no kind: write it as in manifests, "
        + (near or "in the singular and starting with a capital, like Deployment")
    )


_PLURALS = {
    **{kind.lower(): kind for kind in KINDS},
    **{f"{kind.lower()}s": kind for kind in KINDS},
    "deploy": "Deployment",
    "sts": "StatefulSet",
    "ds": "DaemonSet",
    "rs": "ReplicaSet",
    "cj": "CronJob",
    "po": "Pod",
}


def regex(text: str) -> str:
    """Check that Python can compile a text, without a warning."""
    if len(text) > _LONGEST_REGEX:
        raise ValueError(f"longer than {_LONGEST_REGEX} characters: write a shorter expression")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python warns of means something else some day
            re.compile(text)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise ValueError(
            f"{shown(text)} is no regular expression: {error}; write one such as ^api-"
        ) from None
    return text


def selector(text: str) -> Selector:
    """Read a label selector."""
    try:
        return Selector.parse(text)
    except ValueError as error:
        raise ValueError(
            f"{shown(text)} is no selector: {error}; write one such as tier in (web, api),!canary"
        ) from None


def label_key(text: str) -> str:
    """Check the key of the label by which things opt in."""
    if problem := key_problem(text):
        raise ValueError(f"{problem}; write one such as chaosd.io/enabled")
    return text


def pool_label(text: str) -> str:
    """Check the key of the label that names a node's pool; empty means none."""
    if text and (problem := key_problem(text)):
        raise ValueError(f"{problem}; write one such as node.kubernetes.io/instance-type")
    return text


def container(text: str) -> str:
    """Check the name of a container, an RFC 1123 label; empty means the default one."""
    if not text or _DNS_LABEL.fullmatch(text):
        return text
    raise ValueError(
        f"{shown(text)} is no container: expected 1 to 63 lower case letters, digits and '-'"
    )


def image(text: str) -> str:
    """Check the reference of an image as far as its form is common to all registries."""
    if _IMAGE.fullmatch(text):
        return text
    raise ValueError(
        f"{shown(text)} is no image: write one such as registry.example.com/chaosd:1.0"
    )


def label_value(text: str) -> str:
    """Check the value by which things opt in: legal, and not the veto."""
    if text == "false":
        raise ValueError('"false" is always a veto, so it can\'t opt in: write another value')
    if not text:
        raise ValueError('an empty value opts nothing in: write one such as "true"')
    if problem := value_problem(text):
        raise ValueError(f'{problem}; write one such as "true"')
    return text


def filled(text: str) -> str:
    """Refuse a text of blanks."""
    if not text.strip():
        raise ValueError("empty: write a text, or leave the key out")
    return text
