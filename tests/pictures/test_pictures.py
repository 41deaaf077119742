"""Pictures are those that `make pictures` takes, small, and shown somewhere."""

from __future__ import annotations

from pictures.__main__ import OF_PRODUCTION, OF_THE_DEMO
from pictures.chromium import chromium
from pictures.files import FOLDER, ROOT

KILOBYTES = 300
NAMES = {f"{one.name}.png" for one in (*OF_THE_DEMO, *OF_PRODUCTION)}


def test_each_is_there_and_no_other() -> None:
    """A picture that nothing takes any more would show a page that is gone."""
    assert {path.name for path in FOLDER.iterdir()} == NAMES, "run `make pictures`"


def test_each_is_small() -> None:
    """They are in the repository, and loaded by whoever reads the README."""
    heavy = [path.name for path in FOLDER.iterdir() if path.stat().st_size > KILOBYTES * 1024]
    assert heavy == []


def test_each_is_shown() -> None:
    """In the README or a page of docs."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    text = "".join(page.read_text() for page in pages)
    assert [name for name in sorted(NAMES) if f"pictures/{name}" not in text] == []


def test_a_browser_can_be_named() -> None:
    """By CHROMIUM, which must be a program; else it is looked for on the PATH."""
    assert chromium({"PATH": "/bin", "CHROMIUM": "/bin/sh"}) == "/bin/sh"
    assert chromium({"PATH": "/bin", "CHROMIUM": "/nowhere/chromium"}) is None
    assert chromium({"PATH": "/nowhere"}) is None
