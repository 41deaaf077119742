"""YAML into plain values, with the line of each and every mistake that YAML alone can show.

Scalars are read as YAML 1.2 does: ``09:00``, ``no``, ``NO`` and ``2026-12-18`` stay text. Only
plain values are made: no tag builds anything. Anchors, aliases and merge keys (``<<``) work, within
limits on size, depth and the number of values that they expand to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from chaosd.config.problems import KeyPath, Places, Problem, shown

LONGEST = 1024 * 1024
"""Bytes of a file: what a ConfigMap can hold."""

MOST_VALUES = 20_000
"""Keys and values of a file, aliases expanded."""

DEEPEST = 40
"""Levels of nesting, aliases expanded."""

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"

_HINTS = {
    r"'\\t'": "indent with spaces, YAML forbids tabs",
    r"mapping values are not allowed": (
        "check the indentation, and quote a text that holds a colon and a space"
    ),
    r"could not find expected ':'": "write a colon and a space after the key",
    r"cannot start any token|scanning an? (alias|anchor)|undefined alias": (
        "quote a text that begins with one of * & ! % @ `"
    ),
    r"unknown escape": "write the text in single quotes, in which a backslash is a backslash",
    r"unexpected end of stream|scanning a quoted scalar": "close the quotes",
    r"expected ',' or '[]}]'": "close the bracket, and put commas between its items",
    r"expected <block end>|did not find expected": "indent what belongs together alike",
    r"expected a single document": "keep one document, and remove the line with ---",
    r"duplicate anchor": "give each anchor a name of its own",
    r"tag": "remove the tag, and quote a text that begins with !",
}


class _Loader(Reader, Scanner, Parser, Composer, SafeConstructor, BaseResolver):
    """PyYAML's parser with the scalars of YAML 1.2, stopped where a document grows too large."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        BaseResolver.__init__(self)
        self.depth = 0
        self.count = 0

    def compose_node(self, parent: Node | None, index: object) -> Node | None:
        """Compose one node, unless there are too many or they lie too deep."""
        self.depth += 1
        self.count += 1
        if self.depth > DEEPEST or self.count > MOST_VALUES:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise _TooLarge(mark.line + 1, deep=self.depth > DEEPEST)
        # The stubs ask for less than the composer itself passes on.
        node: Node | None = super().compose_node(parent, index)  # type: ignore[arg-type]
        self.depth -= 1
        return node


for _name, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("int", r"[-+]?(?:0|[1-9][0-9]{0,17})", "-+0123456789"),
    ("float", r"[-+]?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,17}", "-+0123456789"),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(
        f"{_TAG}{_name}",
        re.compile(rf"^(?:{_pattern})$"),
        ["" if first == "\0" else first for first in _first],
    )


class _TooLarge(Exception):
    def __init__(self, line: int, *, deep: bool) -> None:
        super().__init__()
        self.line = line
        self.message = (
            f"nested more than {DEEPEST} levels deep: nothing in a configuration is; write less"
            if deep
            else f"holds more than {MOST_VALUES} keys and values, with aliases expanded: "
            "write fewer, and no aliases of lists of aliases"
        )


@dataclass(slots=True)
class Document:
    """What a YAML text holds: plain values, the line of each, and mistakes.

    ``value`` is None when nothing could be read, and for an empty text.
    """

    value: object = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def note(self, path: KeyPath, line: int, message: str) -> None:
        """Add a mistake."""
        self.problems.append(Places({path: line}).problem(path, message))


def decode(content: bytes) -> str | Problem:
    """Read bytes as UTF-8; a problem when they are too many, binary, or something else."""
    if len(content) > LONGEST:
        return Problem(
            "", None, f"larger than {LONGEST // 1024} KiB, more than a ConfigMap holds: write less"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Problem("", line, f"not UTF-8 at byte {error.start}: save it as UTF-8 text")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        return Problem("", line, "a binary file (it holds a NUL): expected YAML, as UTF-8 text")
    return text


def read(text: str) -> Document:
    """Read YAML; every mistake is in the document's ``problems``."""
    document = Document()
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            return document
        if not _Inspection(document).inspect(root):
            return document
        document.lines[()] = root.start_mark.line + 1
        document.value = _value(loader, document, root, ())
    except _TooLarge as error:
        document.problems.append(Problem("", error.line, error.message))
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"holds the character {chr(error.character)!r}, which YAML forbids: remove it"
        document.problems.append(Problem("", line, message))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        document.problems.append(Problem("", mark.line + 1 if mark else None, _syntax(error)))
    return document


def _syntax(error: yaml.MarkedYAMLError) -> str:
    said = ", ".join(part for part in (error.context, error.problem) if part)
    hint = next((hint for pattern, hint in _HINTS.items() if re.search(pattern, said)), "")
    return f"not YAML: {said}" + (f"; {hint}" if hint else "")


class _Inspection:
    """Looks at every node once, before aliases are followed and merge keys resolved."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._sizes: dict[int, tuple[int, int]] = {}  # by id of the node: values, levels
        self._open: set[int] = set()
        self._endless = False

    def inspect(self, root: Node) -> bool:
        """Note duplicate keys and the like; False when aliases would never end."""
        values, levels = self._look(root, ())
        if values > MOST_VALUES or levels > DEEPEST:
            raise _TooLarge(root.start_mark.line + 1, deep=levels > DEEPEST)
        return not self._endless

    def _look(self, node: Node, path: KeyPath) -> tuple[int, int]:
        if id(node) in self._sizes:
            return self._sizes[id(node)]
        if id(node) in self._open:
            self._endless = True
            line = node.start_mark.line + 1
            self._document.note(path, line, "an anchor that holds itself: write the value out")
            return 1, 1
        self._open.add(id(node))
        sizes = [self._look(child, (*path, part)) for part, child in self._children(node, path)]
        self._open.discard(id(node))
        size = 1 + sum(one for one, _ in sizes), 1 + max((deep for _, deep in sizes), default=0)
        self._sizes[id(node)] = size
        return size

    def _children(self, node: Node, path: KeyPath) -> list[tuple[str | int, Node]]:
        if isinstance(node, SequenceNode):
            return list(enumerate(node.value))
        if not isinstance(node, MappingNode):
            return []
        first: dict[str, int] = {}
        children: list[tuple[str | int, Node]] = []
        for key, value in node.value:
            line = key.start_mark.line + 1
            name = key.value if isinstance(key, ScalarNode) else ""
            if not isinstance(key, ScalarNode):
                self._document.note(path, line, "a key must be a text: write `key: value`")
            elif key.tag == _MERGE:
                name = "<<"
            elif name in first:
                message = f"given twice, first on line {first[name]}: keep one of them"
                self._document.note((*path, name), line, message)
            first.setdefault(name, line)
            children.append((name, value))
        return children


def _value(loader: _Loader, document: Document, node: Node, path: KeyPath) -> object:
    """Make the plain value of a node, and note the lines of all in it."""
    if isinstance(node, ScalarNode):
        return _scalar(document, node, path)
    if not node.tag.startswith(_TAG) or node.tag.removeprefix(_TAG) not in ("map", "seq"):
        _note_tag(document, node, path)
        return None
    if isinstance(node, SequenceNode):
        items = []
        for number, item in enumerate(node.value):
            document.lines[*path, number] = item.start_mark.line + 1
            items.append(_value(loader, document, item, (*path, number)))
        return items
    if not isinstance(node, MappingNode):
        return None
    loader.flatten_mapping(node)
    values: dict[str, object] = {}
    for key, value in node.value:
        if isinstance(key, ScalarNode):  # otherwise it has been noted
            document.lines[*path, key.value] = key.start_mark.line + 1
            values[key.value] = _value(loader, document, value, (*path, key.value))
    return values


def _scalar(document: Document, node: ScalarNode, path: KeyPath) -> object:
    text = str(node.value)
    try:
        match node.tag.removeprefix(_TAG):
            case "str" | "merge":
                return text
            case "null":
                return None
            case "bool":
                return {"true": True, "false": False}[text.lower()]
            case "int":
                return int(text)
            case "float":
                return float(text)
    except (KeyError, ValueError):
        pass
    _note_tag(document, node, path)
    return None


def _note_tag(document: Document, node: Node, path: KeyPath) -> None:
    message = f"unexpected tag {shown(node.tag.removeprefix(_TAG))}: {_HINTS['tag']}"
    document.note(path, node.start_mark.line + 1, message)
