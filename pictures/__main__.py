"""Takes the pictures in docs/pictures: the real page in the system's Chromium, of the demo.

The demo's seed and start are fixed, so that each time the same story is seen; times differ by
seconds. Run it again when the page looks different.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, FloatRect, Page

from pictures.chromium import MISSING, chromium, running
from pictures.files import FOLDER, ROOT
from tests.browser.stages import asked, recovered, staged
from tests.support.waiting import until

KILLS = 7
"""That have recovered in the demo before pictures are taken: a minute and a half."""
COLOURS = 256
_SCREEN = 844


class Picture(NamedTuple):
    """What is taken: a page, from its top to the end of an element (or what a screen of that many
    CSS pixels shows), and in which colours."""

    name: str
    path: str
    end: str | int
    width: int = 1120
    dark: bool = False


OF_THE_DEMO = (
    Picture("page-light", "/", ".plot"),
    Picture("page-dark", "/", ".plot", dark=True),
    Picture("phone", "/", 844, width=390),
    Picture("why", "/why?target=shop/Deployment/search", ".card >> nth=1"),
)
OF_PRODUCTION = (Picture("calendar", "/calendar", ".months"),)
MARGIN = 10


def main() -> int:
    """Take all of them."""
    executable = chromium()
    if executable is None:
        sys.stderr.write(f"{MISSING}\n")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with ExitStack() as open_, tempfile.TemporaryDirectory() as folder:
        browser = open_.enter_context(running(executable))
        for address, pictures in _scenes():
            for picture in pictures:
                _taken(browser, address, picture, Path(folder))
    return 0


def _scenes() -> Iterator[tuple[str, Sequence[Picture]]]:
    with _planned() as address:
        yield address, OF_PRODUCTION
    with staged() as stage:
        recovered(stage, KILLS)
        yield stage.address, OF_THE_DEMO


@contextmanager
def _planned() -> Iterator[str]:
    """The example for production, when it knows what comes: its windows make a year's pattern."""
    with staged(ROOT / "config" / "production.yaml") as stage:
        until(lambda: asked(stage, "plan?days=31")["kills"], "a plan")
        yield stage.address


def _taken(browser: Browser, address: str, picture: Picture, folder: Path) -> None:
    page = browser.new_page(
        viewport={"width": picture.width, "height": _SCREEN},
        device_scale_factor=2,
        color_scheme="dark" if picture.dark else "light",
    )
    page.goto(f"{address}{picture.path}")
    raw, made = folder / f"{picture.name}.png", FOLDER / f"{picture.name}.png"
    height = picture.end if isinstance(picture.end, int) else _bottom(page, picture.end) + MARGIN
    clip = FloatRect(x=0, y=0, width=picture.width, height=height)
    page.screenshot(path=raw, clip=clip, full_page=True)
    page.close()
    # A page has few colours: with a palette a picture is a third as large, and looks the same.
    with Image.open(raw) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(made, optimize=True)
    sys.stdout.write(f"{made.relative_to(ROOT)}: {made.stat().st_size / 1024:.0f} KiB\n")


def _bottom(page: Page, selector: str) -> float:
    box = page.locator(selector).first.bounding_box()
    if box is None:
        raise LookupError(f"no {selector} on {page.url}")
    return box["y"] + box["height"]


if __name__ == "__main__":
    sys.exit(main())
