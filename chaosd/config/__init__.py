"""The configuration: read, judged as a whole, read again when it changes, and described.

Keys and their meaning are in docs/configuration.md, which `markdown` generates.
"""

from __future__ import annotations

from chaosd.config.loading import LoadResult, load, load_content, load_text
from chaosd.config.problems import Problem
from chaosd.config.reference import json_schema, markdown
from chaosd.config.watching import FileSettings

__all__ = [
    "FileSettings",
    "LoadResult",
    "Problem",
    "json_schema",
    "load",
    "load_content",
    "load_text",
    "markdown",
]
