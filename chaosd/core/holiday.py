"""Public holidays, by the library `holidays`."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Mapping
from datetime import date
from functools import lru_cache


@lru_cache(maxsize=64)
def holidays_in(country: str, subdivision: str | None, year: int) -> Mapping[date, str]:
    """Name the public holidays of a country (ISO 3166-1) or subdivision (ISO 3166-2) in a year.

    Raises:
        ValueError: an unknown country or subdivision; see `check_holidays`.
    """
    # Imported late: it costs more time than everything else here, and few configurations need it.
    from holidays import country_holidays  # noqa: PLC0415

    check_holidays(country, subdivision)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old names of subdivisions still work
        # Without a language, names follow the environment and the version of Python.
        days = country_holidays(country, subdiv=subdivision, years=year, language="en_US")
    return {day: name for day, name in days.items() if day.year == year}


@lru_cache(maxsize=64)
def check_holidays(country: str, subdivision: str | None) -> None:
    """Check that the holidays of a country, and of its subdivision if one is given, are known.

    Raises:
        ValueError: they are not; the message says what to write.
    """
    from holidays import list_supported_countries  # noqa: PLC0415

    known = list_supported_countries(include_aliases=True)
    if country not in known:
        raise ValueError(
            f"unknown country {country[:32]!r}: write {_nearest(country, [*known])}"
            "a two-letter code such as DE, FR or US"
        )
    if subdivision is not None and subdivision not in known[country]:
        have = ", ".join(known[country])
        raise ValueError(
            f"{country} has no subdivision {subdivision[:32]!r}: "
            + (f"write one of {have}" if have else "leave subdivision out")
        )


def _nearest(wrong: str, known: list[str]) -> str:
    near = difflib.get_close_matches(wrong.strip().upper()[:32], known, n=1, cutoff=0.8)
    return f"{near[0]}, or " if near else ""
