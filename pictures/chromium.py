"""The browser: the Chromium of the system, never one that was downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = (
    "NO BROWSER: install Chromium (Debian, Ubuntu: apt-get install chromium), or say where one is"
    " by CHROMIUM=/path/to/it"
)


def chromium(environ: Mapping[str, str] = os.environ) -> str | None:
    """Where the browser is: what CHROMIUM says, else the one on the PATH; None without one."""
    named = environ.get("CHROMIUM")
    path = environ.get("PATH")
    found = (shutil.which(name, path=path) for name in ([named] if named else NAMES))
    return next(filter(None, found), None)


@contextmanager
def running(executable: str) -> Iterator[Browser]:
    """The browser, without a window, until the end of the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable)
        try:
            yield browser
        finally:
            browser.close()
