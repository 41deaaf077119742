"""Templates and files of the page, out of the package."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from chaosd.core.duration import render as span
from chaosd.core.words import several
from chaosd.report.page import words
from chaosd.report.page.funnel import funnel
from chaosd.report.page.home import few

STATIC = {
    "chaosd.css": "text/css; charset=utf-8",
    "chaosd.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""The files that pages load, and their types."""


@cache
def static(name: str) -> bytes:
    """A file that pages load, one of ``STATIC``."""
    return (resources.files("chaosd.report.page") / "static" / name).read_bytes()


@cache
def fingerprint() -> str:
    """What tells these files from those of another version."""
    return hashlib.sha256(b"".join(map(static, sorted(STATIC)))).hexdigest()[:12]


def render(template: str, now: datetime, root: str, fields: Mapping[str, Any]) -> str:
    """An HTML page. ``root`` is the relative address of ``/`` (``./`` or ``../``): behind whatever
    prefix the page is, its links hold. ``now`` is what times are compared with."""
    made = _environment().get_template(template)
    return made.render(now=now, root=root, assets=fingerprint(), **fields)


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("chaosd.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "stamp": words.stamp,
        "clock": words.clock,
        "away": words.away,
        "words": words.words,
        "seconds": words.seconds,
        "several": several,
        "reason": words.reason,
        "because": words.because,
        "few": few,
        "funnel": funnel,
        "span": span,
    }
    return found
