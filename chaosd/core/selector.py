"""Label selectors: the whole language of Kubernetes' ``labelSelector`` query and its object form.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from chaosd.core.labels import key_problem, value_problem


class Operator(StrEnum):
    """How a requirement compares; spelled as in a selector's text."""

    EQUALS = "="
    NOT_EQUALS = "!="
    IN = "in"
    NOT_IN = "notin"
    EXISTS = "exists"
    DOES_NOT_EXIST = "!"
    GREATER_THAN = ">"
    LESS_THAN = "<"


_NEGATIVE = (Operator.NOT_EQUALS, Operator.NOT_IN)
_POSITIVE = (Operator.EQUALS, Operator.IN)
_UNARY = (Operator.EXISTS, Operator.DOES_NOT_EXIST)
_SETS = (Operator.IN, Operator.NOT_IN)
_NUMERIC = (Operator.GREATER_THAN, Operator.LESS_THAN)

# Names of operators in a LabelSelector object.
_IN_OBJECTS = {
    "In": Operator.IN,
    "NotIn": Operator.NOT_IN,
    "Exists": Operator.EXISTS,
    "DoesNotExist": Operator.DOES_NOT_EXIST,
}


class Requirement(Struct, frozen=True):
    """One condition on one label; ``values`` is sorted and has as many as ``operator`` takes."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether ``labels`` meet this condition.

        ``!=`` and ``notin`` hold when the label is absent; ``>`` and ``<`` do not, nor when its
        value is no whole number.
        """
        operator, value = self.operator, labels.get(self.key)
        if operator in _POSITIVE:
            return value is not None and value in self.values
        if operator in _NEGATIVE:
            return value is None or value not in self.values
        if operator is Operator.EXISTS:
            return value is not None
        if operator is Operator.DOES_NOT_EXIST:
            return value is None
        number, bound = _integer(value or ""), _integer(self.values[0])
        if number is None or bound is None:
            return False
        return number > bound if operator is Operator.GREATER_THAN else number < bound

    def __str__(self) -> str:
        if self.operator is Operator.EXISTS:
            return self.key
        if self.operator is Operator.DOES_NOT_EXIST:
            return f"!{self.key}"
        if self.operator in _SETS:
            # A lone empty value: `()` would be an empty set, which is no legal one.
            return f"{self.key} {self.operator} ({','.join(self.values) or ','})"
        return f"{self.key}{self.operator}{self.values[0]}"


class Selector(Struct, frozen=True):
    """Conditions that must all hold. Without any it is false as a bool, and matches everything.

    ``text`` is in canonical form and can be sent to the API server as ``labelSelector``.
    """

    text: str = ""
    requirements: tuple[Requirement, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.requirements)

    @classmethod
    def parse(cls, text: str) -> Selector:
        """Read ``a=b,c!=d,e in (x,y),f notin (z),g,!h,i>1``.

        Raises:
            ValueError: with what was expected, and at which character (counted from 1).
        """
        return _selector(_Parser(text).requirements())

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether ``labels`` meet every condition."""
        # A plain loop: a generator costs more than the requirements that it asks.
        for requirement in self.requirements:  # noqa: SIM110
            if not requirement.matches(labels):
                return False
        return True


def from_label_selector(selector: Mapping[str, object] | None) -> Selector | None:
    """Read a LabelSelector object (``matchLabels``, ``matchExpressions``).

    None, an absent selector, selects nothing, and so does the None that it gives; an empty object
    selects everything, as the empty Selector does.

    Raises:
        ValueError: the object breaks Kubernetes' rules; the message says where.
    """
    if selector is None:
        return None
    labels = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or ()
    if not isinstance(labels, Mapping):
        raise ValueError("matchLabels: expected a map of labels")
    if not isinstance(expressions, Sequence) or isinstance(expressions, str):
        raise ValueError("matchExpressions: expected a list")
    found = []
    for key, value in sorted(labels.items()):
        try:
            found.append(_requirement(key, Operator.EQUALS, [value]))
        except ValueError as error:
            raise ValueError(f"matchLabels.{key}: {error}") from None
    for number, expression in enumerate(expressions):
        try:
            found.append(_expression(expression))
        except ValueError as error:
            raise ValueError(f"matchExpressions[{number}]: {error}") from None
    return _selector(found)


_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")


def _integer(text: str) -> int | None:
    """A 64-bit whole number, the only ones that Kubernetes compares; None for anything else."""
    if not _INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


def _selector(requirements: Sequence[Requirement]) -> Selector:
    return Selector(",".join(map(str, requirements)), tuple(requirements))


def _requirement(key: object, operator: Operator, values: Sequence[object]) -> Requirement:
    """A valid requirement; ValueError says what is wrong with its key or values."""
    texts = [value for value in (key, *values) if isinstance(value, str)]
    if len(texts) <= len(values):
        raise ValueError("keys and values must be texts (in YAML, quote numbers, true and false)")
    problems = [key_problem(texts[0]), *map(value_problem, texts[1:])]
    if operator in _UNARY and values:
        problems.append("takes no values")
    if operator in _SETS and not values:
        problems.append("expected at least one value")
    if operator in _NUMERIC and _integer(texts[-1]) is None:
        problems.append(f"{texts[-1]!r} can't be compared: expected a whole number")
    found = "; ".join(problem for problem in problems if problem)
    if found:
        raise ValueError(found)
    return Requirement(texts[0], operator, tuple(sorted(set(texts[1:]))))


def _expression(expression: object) -> Requirement:
    """One entry of ``matchExpressions``."""
    if not isinstance(expression, Mapping):
        raise ValueError("expected key, operator and values")
    operator = _IN_OBJECTS.get(expression.get("operator", ""))
    if operator is None:
        raise ValueError(f"expected operator: {', '.join(_IN_OBJECTS)}")
    values = expression.get("values") or ()
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise ValueError("values: expected a list")
    return _requirement(expression.get("key"), operator, values)


class _Token(Struct, frozen=True):
    """A symbol, a word, or the end (an empty text), and where it stands, counted from 1."""

    text: str
    at: int

    @property
    def is_word(self) -> bool:
        return bool(self.text) and self.text[0] not in "=!<>(),"


_TOKEN = re.compile(r"[ \t\r\n]*(==|!=|[=!<>(),]|[^ \t\r\n=!<>(),]+|\Z)")
_COMPARES = {
    "=": Operator.EQUALS,
    "==": Operator.EQUALS,
    "!=": Operator.NOT_EQUALS,
    "in": Operator.IN,
    "notin": Operator.NOT_IN,
    ">": Operator.GREATER_THAN,
    "<": Operator.LESS_THAN,
}


class _Parser:
    """Reads tokens from left to right. ``in`` and ``notin`` are words where a word is expected."""

    def __init__(self, text: str) -> None:
        self._tokens = [_Token(match[1], match.start(1) + 1) for match in _TOKEN.finditer(text)]
        self._next = 0

    def requirements(self) -> list[Requirement]:
        """The whole text."""
        if not self._peek().text:
            return []
        found = [self._one()]
        while self._peek().text:
            self._take(",", expected="',' or the end")
            found.append(self._one())
        return found

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, *texts: str, expected: str) -> _Token:
        """The next token, which must be one of ``texts``, or any word when there are none."""
        token = self._peek()
        if not (token.text in texts if texts else token.is_word):
            raise _unexpected(token, expected)
        self._next += 1
        return token

    def _one(self) -> Requirement:
        """One requirement, with the place of whatever is wrong with its key or values."""
        absent = self._peek().text == "!"
        if absent:
            self._next += 1
        start = self._take(expected="a label key" if absent else "a label key or '!'")
        operator, values = (Operator.DOES_NOT_EXIST, []) if absent else self._condition()
        try:
            return _requirement(start.text, operator, values)
        except ValueError as error:
            raise ValueError(f"condition at character {start.at}: {error}") from None

    def _condition(self) -> tuple[Operator, list[str]]:
        """What follows a key: an operator and its values, or nothing."""
        if self._peek().text in ("", ","):
            return Operator.EXISTS, []
        operator = _COMPARES[
            self._take(*_COMPARES, expected="=, ==, !=, in, notin, >, <, ',' or the end").text
        ]
        if operator in _SETS:
            return operator, self._set(operator)
        if self._peek().text in ("", ","):
            return operator, [""]
        return operator, [self._take(expected="a value").text]

    def _set(self, operator: Operator) -> list[str]:
        """The values in parentheses; nothing between commas is the empty value."""
        self._take("(", expected=f"'(' after {operator}")
        if self._peek().text == ")":
            raise _unexpected(self._peek(), f"a value for {operator}")
        values, empty = [], True
        while self._peek().text != ")":
            if self._peek().text == ",":
                values += [""] if empty else []
                self._next += 1
                empty = True
                continue
            if not empty:
                raise _unexpected(self._peek(), "',' or ')'")
            values.append(self._take(expected="a value, ',' or ')'").text)
            empty = False
        self._next += 1
        return [*values, ""] if empty else values


def _unexpected(token: _Token, expected: str) -> ValueError:
    found = f"found {token.text!r}" if token.text else "the selector ends"
    return ValueError(f"at character {token.at}: expected {expected}, {found}")
