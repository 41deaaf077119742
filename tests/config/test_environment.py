"""Overrides by environment variables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chaosd.config import Problem, load_text
from chaosd.config.environment import variables
from chaosd.core.model import Configuration, Limits, OptIn
from chaosd.core.window import Always, Weekly

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FILE = """
cluster: staging
limits: {perHour: 4, perDay: 9}
optIn: {value: "yes"}
policies: [{name: web, target: pod, action: evict, schedule: {every: 1h}}]
"""


def loaded(**environ: str) -> Configuration:
    result = load_text(FILE, environ, NOW)
    assert result.problems == ()
    assert result.configuration is not None
    return result.configuration


def problems(**environ: str) -> tuple[Problem, ...]:
    result = load_text(FILE, environ, NOW)
    assert result.configuration is None
    return result.problems


def test_texts_are_taken_as_they_are() -> None:
    """A cluster called 123 or null needs no quotes in a variable."""
    assert loaded(CHAOSD_CLUSTER="123").cluster == "123"
    assert loaded(CHAOSD_SEED="null").seed == "null"
    assert loaded(CHAOSD_SURVEY_EVERY="10m").survey_every == timedelta(minutes=10)


def test_a_key_inside_a_map_leaves_its_neighbours() -> None:
    """Only the key that is named is overridden."""
    assert loaded(CHAOSD_LIMITS__PER_HOUR="3").limits == Limits(3, 9, 1)
    assert loaded(CHAOSD_OPT_IN__LABEL="a/b").opt_in == OptIn("a/b", "yes")


def test_a_map_and_a_key_in_it() -> None:
    """The more exact variable wins over the one for the whole map, and both over the file."""
    found = loaded(CHAOSD_LIMITS='{"perHour": 1, "concurrent": 2}', CHAOSD_LIMITS__PER_HOUR="2")

    assert found.limits == Limits(2, 9, 2)


def test_lists_and_the_word_always() -> None:
    """What is no text is read as YAML, of which JSON is a part."""
    found = loaded(
        CHAOSD_DRY_RUN="false",
        CHAOSD_WINDOWS__ALLOW="always",
        CHAOSD_WINDOWS__DENY='[{"weekly": {"days": "Sun", "from": "00:00", "to": "24:00"}}]',
        CHAOSD_NAMESPACES="[shop]",
        CHAOSD_SEED="x",
    )

    assert found.dry_run is False
    assert found.windows.allow == ((Always(),),)
    assert found.windows.deny == (Weekly(frozenset({6}), 0, 86_400),)
    assert found.namespaces == ("shop",)


@pytest.mark.parametrize("name", ["CHAOSD_CLUSTER", "chaosd_cluster", "Chaosd_Cluster"])
def test_case_does_not_matter(name: str) -> None:
    """A variable in small letters is an override as well."""
    assert loaded(**{name: "prod"}).cluster == "prod"


def test_an_empty_variable_counts_as_not_set() -> None:
    """Templates often leave empty values behind."""
    assert loaded(CHAOSD_CLUSTER="", CHAOSD_DRY_RUN=" ", CHAOSD_SEEED="").cluster == "staging"


@pytest.mark.parametrize(
    "name",
    [
        "CHAOSD_SERVICE_HOST",
        "CHAOSD_SERVICE_PORT",
        "CHAOSD_SERVICE_PORT_HTTP",
        "CHAOSD_PORT",
        "CHAOSD_PORT_9090_TCP",
        "CHAOSD_PORT_9090_TCP_PROTO",
        "CHAOSD_PORT_9090_TCP_PORT",
        "CHAOSD_PORT_9090_UDP_ADDR",
        "CHAOSD_METRICS_SERVICE_HOST",
        "CHAOSD_METRICS_PORT_9090_TCP_ADDR",
        "CHAOSDAEMON",
        "OTHER_DRY_RUN",
    ],
)
def test_what_kubernetes_sets_for_services_is_no_override(name: str) -> None:
    """Service links of Services called chaosd, chaosd-metrics and so on change nothing."""
    assert loaded(**{name: "tcp://10.0.0.1:9090"}) == loaded()


def test_no_setting_looks_like_a_service_link() -> None:
    """Each key's variable is an override, whatever the pattern for Services says."""
    for name in variables():
        assert load_text(FILE, {name: "["}, NOW) != load_text(FILE, {}, NOW), name


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CHAOSD_DRYRUNN", "true", "write CHAOSD_DRY_RUN"),
        ("CHAOSD_DRYRUN", "true", "write CHAOSD_DRY_RUN"),
        ("CHAOSD_LIMIT__PER_HOUR", "3", "write CHAOSD_LIMITS__PER_HOUR"),
        ("CHAOSD_LIMITS_PER_HOUR", "3", "write CHAOSD_LIMITS__PER_HOUR"),
        ("CHAOSD_POLICIES__0__DRY_RUN", "true", "CHAOSD_POLICIES is set as a whole"),
        ("CHAOSD_QWXYZ", "1", "unset it"),
        ("CHAOSD_DRY_RUN", "maybe", "expected true or false"),
        ("CHAOSD_DRY_RUN", "1", "found the number 1: write true"),
        ("CHAOSD_LIMITS__PER_DAY", "0", "to strike nothing write halted: true"),
        ("CHAOSD_LIMITS__PER_DAY", "many", "expected a whole number"),
        ("CHAOSD_LIMITS", "5", "expected a map such as {key: value}, found the number 5"),
        ("CHAOSD_NAMESPACES", "shop,web", "expected a list"),
        ("CHAOSD_NAMESPACES", "[shop", "not YAML"),
        ("CHAOSD_SURVEY_EVERY", "300", "write 300s"),
        ("CHAOSD_TIMEZONE", "Berlin", "Europe/Berlin"),
        ("CHAOSD_SEED", "a\udcff", "can't be shown"),
    ],
)
def test_a_mistake_in_a_variable(name: str, value: str, message: str) -> None:
    """The problem names the variable, has no line, and says what to write."""
    (problem,) = problems(**{name: value})

    assert (problem.path, problem.line) == (name, None)
    assert message in problem.message


def test_a_mistake_inside_the_value_of_a_variable() -> None:
    """The path goes on behind the variable's name."""
    found = problems(
        CHAOSD_NAMESPACES="[shop, Shop]",
        CHAOSD_SEED="x",
        CHAOSD_WINDOWS__DENY="[{weekly: {days: Mon, from: 9:00, to: 10:00}}]",
    )

    assert [problem.path for problem in found] == [
        "CHAOSD_NAMESPACES[1]",
        "CHAOSD_WINDOWS__DENY[0].weekly.from",
    ]


def test_a_mistake_of_file_and_environment_together() -> None:
    """What a variable makes of a valid file is a problem in the file, at its line."""
    (problem,) = problems(CHAOSD_DRY_RUN="false")

    assert problem.path == "windows.allow"
    assert "missing in a live configuration" in problem.message


def test_a_mistake_in_the_file_is_not_blamed_on_its_neighbour() -> None:
    """A variable for one key of a map leaves the others to the file, and so their mistakes."""
    text = "limits:\n  perHour: 0\npolicies: []\n"
    result = load_text(text, {"CHAOSD_LIMITS": "{perDay: 0}"}, NOW)

    places = [(problem.path, problem.line) for problem in result.problems]
    assert places == [("limits.perHour", 2), ("CHAOSD_LIMITS.perDay", None)]
