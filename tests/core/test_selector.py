"""Label selectors: what parses and to what, what matches, what is refused and where."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.labels import key_problem, value_problem
from chaosd.core.selector import Operator, Requirement, Selector, from_label_selector


def every(*requirements: tuple[str, Operator, list[str]]) -> tuple[Requirement, ...]:
    return tuple(
        Requirement(key, operator, tuple(values)) for key, operator, values in requirements
    )


@pytest.mark.parametrize(
    ("text", "canonical", "requirements"),
    [
        ("", "", every()),
        (" \t\n", "", every()),
        ("a=b", "a=b", every(("a", Operator.EQUALS, ["b"]))),
        ("a==b", "a=b", every(("a", Operator.EQUALS, ["b"]))),
        (" a  =\tb ", "a=b", every(("a", Operator.EQUALS, ["b"]))),
        ("a=", "a=", every(("a", Operator.EQUALS, [""]))),
        ("a=,b", "a=,b", every(("a", Operator.EQUALS, [""]), ("b", Operator.EXISTS, []))),
        ("a!=b", "a!=b", every(("a", Operator.NOT_EQUALS, ["b"]))),
        ("a in (x,y)", "a in (x,y)", every(("a", Operator.IN, ["x", "y"]))),
        ("a in(y, x ,y)", "a in (x,y)", every(("a", Operator.IN, ["x", "y"]))),
        ("a notin (x)", "a notin (x)", every(("a", Operator.NOT_IN, ["x"]))),
        ("a in (,x)", "a in (,x)", every(("a", Operator.IN, ["", "x"]))),
        ("a in (x,,y)", "a in (,x,y)", every(("a", Operator.IN, ["", "x", "y"]))),
        ("a in (x,)", "a in (,x)", every(("a", Operator.IN, ["", "x"]))),
        ("a in (,)", "a in (,)", every(("a", Operator.IN, [""]))),
        ("a", "a", every(("a", Operator.EXISTS, []))),
        ("!a", "!a", every(("a", Operator.DOES_NOT_EXIST, []))),
        ("! a", "!a", every(("a", Operator.DOES_NOT_EXIST, []))),
        ("a>1", "a>1", every(("a", Operator.GREATER_THAN, ["1"]))),
        ("a < 10", "a<10", every(("a", Operator.LESS_THAN, ["10"]))),
        ("in", "in", every(("in", Operator.EXISTS, []))),
        ("!notin", "!notin", every(("notin", Operator.DOES_NOT_EXIST, []))),
        ("in=notin", "in=notin", every(("in", Operator.EQUALS, ["notin"]))),
        ("in in (in)", "in in (in)", every(("in", Operator.IN, ["in"]))),
        (
            "app.kubernetes.io/name=web,tier notin (db),!x",
            "app.kubernetes.io/name=web,tier notin (db),!x",
            every(
                ("app.kubernetes.io/name", Operator.EQUALS, ["web"]),
                ("tier", Operator.NOT_IN, ["db"]),
                ("x", Operator.DOES_NOT_EXIST, []),
            ),
        ),
    ],
)
def test_selectors_that_parse(
    text: str, canonical: str, requirements: tuple[Requirement, ...]
) -> None:
    """Every form of the language gives its conditions and one canonical text."""
    selector = Selector.parse(text)
    assert selector == Selector(canonical, requirements)
    assert bool(selector) is bool(requirements)


@pytest.mark.parametrize(
    ("text", "at", "advice"),
    [
        ("a=b,", 5, "expected a label key or '!', the selector ends"),
        (",a", 1, "expected a label key or '!', found ','"),
        ("a,,b", 3, "expected a label key or '!', found ','"),
        ("!", 2, "expected a label key, the selector ends"),
        ("!!a", 2, "expected a label key, found '!'"),
        ("!a=b", 3, "expected ',' or the end, found '='"),
        ("=b", 1, "expected a label key or '!', found '='"),
        ("a b", 3, "found 'b'"),
        ("a~b", 1, "'a~b' is no label key"),
        ("a===b", 4, "expected a value, found '='"),
        ("a=b=c", 4, "expected ',' or the end, found '='"),
        ("a=(b)", 3, "expected a value, found '('"),
        ("a=!b", 3, "expected a value, found '!'"),
        ("a!b", 2, "expected =, ==, !=, in, notin, >, <, ',' or the end, found '!'"),
        ("a in", 5, "expected '(' after in, the selector ends"),
        ("a in b", 6, "expected '(' after in, found 'b'"),
        ("a in (", 7, "the selector ends"),
        ("a in (b", 8, "expected ',' or ')', the selector ends"),
        ("a in (b,", 9, "the selector ends"),
        ("a in (b c)", 9, "expected ',' or ')', found 'c'"),
        ("a in ()", 7, "expected a value for in, found ')'"),
        ("a notin ()", 10, "expected a value for notin, found ')'"),
        ("a in (b))", 9, "expected ',' or the end, found ')'"),
        ("a IN (b)", 3, "found 'IN'"),
        ("a>", 1, "expected a whole number"),
        ("ok,a>x", 4, "'x' can't be compared: expected a whole number"),
        ("a<1.5", 1, "expected a whole number"),
        ("a>9223372036854775808", 1, "expected a whole number"),
        ("a=-b", 1, "'-b' is no label value"),
        ("a=b.", 1, "'b.' is no label value"),
        ("a=" + "v" * 64, 1, "at most 63"),
        ("-a", 1, "'-a' is no label key"),
        ("k" * 64, 1, "at most 63"),
        ("/a", 1, "before / must be a DNS name"),
        ("a/", 1, "'a/' is no label key"),
        ("a/b/c", 1, "before / must be a DNS name"),
        ("A.io/a", 1, "DNS name in lower case"),
        ("x..y/a", 1, "DNS name"),
        ("p" * 254 + "/a", 1, "at most 253"),
        ("a=grün", 1, "'grün' is no label value"),
    ],
)
def test_selectors_that_do_not_parse(text: str, at: int, advice: str) -> None:
    """A mistake is answered with its place and what was expected there."""
    with pytest.raises(ValueError, match=rf"character {at}: .*{re.escape(advice)}"):
        Selector.parse(text)


@pytest.mark.parametrize(
    ("text", "labels", "matches"),
    [
        ("", {}, True),
        ("", {"a": "b"}, True),
        ("a=b", {"a": "b"}, True),
        ("a=b", {"a": "c"}, False),
        ("a=b", {}, False),
        ("a=", {"a": ""}, True),
        ("a=", {}, False),
        ("a!=b", {"a": "b"}, False),
        ("a!=b", {"a": "c"}, True),
        ("a!=b", {}, True),
        ("a in (b,c)", {"a": "c"}, True),
        ("a in (b,c)", {"a": "d"}, False),
        ("a in (b,c)", {}, False),
        ("a in (b,)", {"a": ""}, True),
        ("a notin (b,c)", {"a": "c"}, False),
        ("a notin (b,c)", {"a": "d"}, True),
        ("a notin (b,c)", {}, True),
        ("a", {"a": ""}, True),
        ("a", {"b": ""}, False),
        ("!a", {"a": ""}, False),
        ("!a", {}, True),
        ("a>5", {"a": "6"}, True),
        ("a>5", {"a": "5"}, False),
        ("a>5", {"a": "10"}, True),
        ("a>5", {}, False),
        ("a>5", {"a": "six"}, False),
        ("a>5", {"a": "1_000"}, False),
        ("a>5", {"a": "9" * 30}, False),
        ("a>9223372036854775806", {"a": "9223372036854775807"}, True),
        ("a>9223372036854775806", {"a": "9223372036854775808"}, False),
        ("a<1", {"a": "-9223372036854775808"}, True),
        ("a<1", {"a": "-9223372036854775809"}, False),
        ("a<5", {"a": "4"}, True),
        ("a<5", {"a": "-4"}, True),
        ("a<5", {"a": "5"}, False),
        ("a<5", {}, False),
        ("a=b,c!=d", {"a": "b"}, True),
        ("a=b,c!=d", {"a": "b", "c": "d"}, False),
    ],
)
def test_matching(text: str, labels: dict[str, str], matches: bool) -> None:
    """All conditions must hold; only the negative ones hold for an absent label."""
    assert Selector.parse(text).matches(labels) is matches


NAMES = st.from_regex(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,8}[A-Za-z0-9])?", fullmatch=True)
KEYS = st.builds(
    lambda prefix, name: f"{prefix}/{name}" if prefix else name,
    st.sampled_from(["", "chaosd.io", "app.kubernetes.io"]),
    NAMES,
)
VALUES = st.one_of(st.just(""), NAMES)
REQUIREMENTS = st.one_of(
    st.builds(
        Requirement,
        KEYS,
        st.sampled_from([Operator.EQUALS, Operator.NOT_EQUALS]),
        st.tuples(VALUES),
    ),
    st.builds(
        Requirement,
        KEYS,
        st.sampled_from([Operator.IN, Operator.NOT_IN]),
        st.sets(VALUES, min_size=1, max_size=4).map(lambda values: tuple(sorted(values))),
    ),
    st.builds(
        Requirement, KEYS, st.sampled_from([Operator.EXISTS, Operator.DOES_NOT_EXIST]), st.just(())
    ),
    st.builds(
        Requirement,
        KEYS,
        st.sampled_from([Operator.GREATER_THAN, Operator.LESS_THAN]),
        st.integers(0, 2**63 - 1).map(lambda number: (str(number),)),
    ),
)


@given(st.lists(REQUIREMENTS, max_size=5))
def test_canonical_text_reads_back(requirements: list[Requirement]) -> None:
    """The text of any selector parses to that selector."""
    text = ",".join(map(str, requirements))
    assert Selector.parse(text) == Selector(text, tuple(requirements))


@given(st.text(alphabet="ab=!<>(),in /.-1\t", max_size=20))
def test_any_text_parses_or_is_refused_with_a_place(text: str) -> None:
    """No text escapes as another exception, and what parses is stable in its canonical form."""
    try:
        selector = Selector.parse(text)
    except ValueError as refused:
        complaint = str(refused)
    else:
        assert Selector.parse(selector.text) == selector
        return
    assert re.search(r"at character \d+: ", complaint)


@given(KEYS, st.sets(VALUES, min_size=1, max_size=3), st.dictionaries(KEYS, VALUES, max_size=3))
def test_each_positive_condition_has_its_opposite(
    key: str, values: set[str], labels: dict[str, str]
) -> None:
    """For any labels exactly one of `in` and `notin`, of `k` and `!k`, holds."""
    listed = f"({','.join(sorted(values)) or ','})"
    for yes, no in ((f"{key} in {listed}", f"{key} notin {listed}"), (key, f"!{key}")):
        for seen in (labels, {**labels, key: next(iter(values))}):
            assert Selector.parse(yes).matches(seen) is not Selector.parse(no).matches(seen)


@pytest.mark.parametrize(
    ("given_object", "text"),
    [
        ({}, ""),
        ({"matchLabels": {}}, ""),
        ({"matchLabels": None, "matchExpressions": None}, ""),
        ({"matchLabels": {"b": "2", "a": "1"}}, "a=1,b=2"),
        ({"matchLabels": {"a": ""}}, "a="),
        (
            {
                "matchLabels": {"a": "1"},
                "matchExpressions": [
                    {"key": "b", "operator": "In", "values": ["y", "x"]},
                    {"key": "c", "operator": "NotIn", "values": ["z"]},
                    {"key": "d", "operator": "Exists"},
                    {"key": "e", "operator": "DoesNotExist", "values": []},
                ],
            },
            "a=1,b in (x,y),c notin (z),d,!e",
        ),
    ],
)
def test_selector_objects(given_object: dict[str, object], text: str) -> None:
    """A LabelSelector object means what its query would."""
    assert from_label_selector(given_object) == Selector.parse(text)


def test_an_absent_selector_selects_nothing_and_an_empty_one_everything() -> None:
    """As a PodDisruptionBudget of policy/v1: null selects no pod, {} all of its namespace."""
    assert from_label_selector(None) is None
    everything = from_label_selector({})
    assert everything is not None
    assert not everything
    assert everything.matches({})
    assert everything.matches({"a": "b"})


@pytest.mark.parametrize(
    ("given_object", "complaint"),
    [
        ({"matchLabels": ["a"]}, "matchLabels: expected a map"),
        ({"matchLabels": {"a": 1}}, "matchLabels.a: keys and values must be texts"),
        ({"matchLabels": {"-": "x"}}, "matchLabels.-: '-' is no label key"),
        ({"matchExpressions": "a"}, "matchExpressions: expected a list"),
        ({"matchExpressions": ["a"]}, r"matchExpressions\[0\]: expected key, operator and values"),
        ({"matchExpressions": [{"key": "a"}]}, "expected operator: In, NotIn, Exists"),
        ({"matchExpressions": [{"key": "a", "operator": "in"}]}, "expected operator: In"),
        ({"matchExpressions": [{"operator": "Exists"}]}, "keys and values must be texts"),
        ({"matchExpressions": [{"key": "a", "operator": "In"}]}, "at least one value"),
        (
            {"matchExpressions": [{"key": "a", "operator": "In", "values": "x"}]},
            "values: expected a list",
        ),
        (
            {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["x"]}]},
            "takes no values",
        ),
    ],
)
def test_selector_objects_that_break_the_rules(
    given_object: dict[str, object], complaint: str
) -> None:
    """A malformed object is refused with its place instead of selecting too much."""
    with pytest.raises(ValueError, match=complaint):
        from_label_selector(given_object)


@pytest.mark.parametrize(
    "key", ["a", "a.b-c_d", "chaosd.io/enabled", "a" * 63, "9/9", "p" * 253 + "/a"]
)
def test_keys_that_are_legal(key: str) -> None:
    """Names with and without a DNS prefix."""
    assert key_problem(key) is None


@pytest.mark.parametrize("value", ["", "a", "1.2.3", "A_b-C", "v" * 63])
def test_values_that_are_legal(value: str) -> None:
    """Up to 63 characters, or none at all."""
    assert value_problem(value) is None
