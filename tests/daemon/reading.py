"""Reading a page as a strict browser and a screen reader would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html.parser import HTMLParser

VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
# In an SVG these may close themselves.
SHAPES = frozenset("circle line path rect".split())
LANDMARKS = ("header", "main", "nav", "footer")
Attributes = dict[str, str]


class Page(HTMLParser):
    """The elements of a page, and what is wrong with it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.elements: list[tuple[str, Attributes]] = []
        self.texts: dict[str, str] = {}
        self._open: list[str] = []
        self._words: list[str] = []
        self.feed(text)
        self.close()
        self.wrong += [f"<{tag}> is not closed" for tag in self._open]
        self._check()

    @property
    def words(self) -> str:
        """All that can be read."""
        return " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        if len(found) < len(attrs):
            self.wrong.append(f"<{tag}> has an attribute twice")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag not in SHAPES | VOID:
            self.wrong.append(f"<{tag}/> closes itself")
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.wrong.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        self._words.append(data)
        if self._open:
            self.texts[self._open[-1]] = self.texts.get(self._open[-1], "") + data

    def all(self, tag: str) -> list[Attributes]:
        """The attributes of each element of that name."""
        return [attributes for name, attributes in self.elements if name == tag]

    def _check(self) -> None:
        count = Counter(tag for tag, _ in self.elements)
        ids = Counter(found["id"] for _, found in self.elements if "id" in found)
        self.wrong += [f"id {name!r} is there {n} times" for name, n in ids.items() if n > 1]
        self.wrong += [
            f"{count[tag]} <{tag}>"
            for tag in ("h1", "main", "title")
            if count[tag] != 1 and tag != "title"
        ]
        self.wrong += [f"no <{tag}>" for tag in LANDMARKS if not count[tag]]
        self.wrong += [f"{count['caption']} captions of {count['table']} tables"] * (
            count["caption"] != count["table"]
        )
        for tag, found in self.elements:
            self._check_one(tag, found, set(ids))

    def _check_one(self, tag: str, found: Attributes, ids: set[str]) -> None:
        if "style" in found or any(name.startswith("on") for name in found):
            self.wrong.append(f"<{tag}> has a style or a handler inside")
        for name in ("href", "src", "action"):
            if found.get(name, "./").startswith(("/", "http:", "https:", "javascript:", "data:")):
                self.wrong.append(f"<{tag} {name}={found[name]!r}> is not relative")
        for name in ("aria-labelledby", "aria-describedby", "for"):
            missing = set(found.get(name, "").split()) - ids
            self.wrong += [f"<{tag} {name}> names {one!r}, which is not there" for one in missing]
        if tag == "th" and "scope" not in found:
            self.wrong.append("a <th> without scope")
        if tag == "script" and "src" not in found:
            self.wrong.append("a script inside")
        if tag == "style":
            self.wrong.append("a style inside")
        if tag == "svg" and not {"aria-hidden", "role"} & set(found) and "x" not in found:
            self.wrong.append("an <svg> that is neither hidden nor named")
        labels = {one.get("for") for one in self.all("label")}
        if (
            tag in ("input", "select")
            and found.get("type") != "hidden"
            and found.get("id") not in labels
        ):
            self.wrong.append(f"<{tag}> without a label")
