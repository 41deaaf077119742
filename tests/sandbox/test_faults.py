"""Faults strike where they are told to, before or after the request took effect."""

from __future__ import annotations

from typing import Any

import pytest

from chaosd.sandbox import ConnectionLost, Faults, Rule
from chaosd.sandbox.objects import is_deleting
from tests.sandbox.support import CONFIG_MAPS, PODS, shop

EVICTIONS = "/eviction$"


@pytest.mark.parametrize("do", ["lost", "reset"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer(do: Any, when: Any) -> None:
    """The eviction happens only when the answer is lost afterwards."""
    world = shop()
    world.api.faults.add(Rule(do=do, when=when, verbs=("create",), path=EVICTIONS))
    with pytest.raises(ConnectionLost) as lost:
        world.evict(world.pod()["metadata"]["name"])
    assert lost.value.before_effect is (when == "before")
    assert lost.value.reset is (do == "reset")
    assert is_deleting(world.pod()) is (when == "after")
    assert len(world.api.journal.removals) == (when == "after")
    record = world.api.journal.requests[-1]
    assert (record.status, record.took_effect) == (None, when == "after")


@pytest.mark.parametrize(("status", "retry_after"), [(429, 7), (500, None), (503, None)])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_error_instead_of_an_answer(status: int, retry_after: int | None, when: Any) -> None:
    """Also an error can come after the effect."""
    world = shop()
    rule = Rule(do="status", when=when, status=status, retry_after=retry_after, verbs=("delete",))
    world.api.faults.add(rule)
    response = world.call("DELETE", f"{PODS}/{world.pod()['metadata']['name']}")
    assert response.status == response.json()["code"] == status
    assert response.headers.get("Retry-After") == (str(retry_after) if retry_after else None)
    assert is_deleting(world.pod()) is (when == "after")


def test_a_delay_passes_on_the_clusters_clock() -> None:
    """The answer is right, and later."""
    world = shop()
    world.api.faults.add(Rule(do="delay", seconds=40))
    before = world.clock.now()
    assert world.call("GET", PODS).status == 200
    assert (world.clock.now() - before).total_seconds() == 40


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_delay_longer_than_the_timeout(when: Any) -> None:
    """?timeout= bounds the request: 504 at its end, with the effect only if it came first."""
    world = shop()
    world.api.faults.add(Rule(do="delay", when=when, seconds=40))
    before = world.clock.now()
    name = world.pod()["metadata"]["name"]
    response = world.call("DELETE", f"{PODS}/{name}?timeout=5s")
    assert (response.status, response.json()["reason"]) == (504, "Timeout")
    assert (world.clock.now() - before).total_seconds() == 5
    assert is_deleting(world.pod()) is (when == "after")


def test_an_expired_token_on_purpose() -> None:
    """Only requests that go on with a token meet this fault."""
    world = shop()
    world.api.faults.add(Rule(do="expired", count=1))
    token = world.ok("GET", f"{PODS}?limit=2")["metadata"]["continue"]
    assert world.refused("GET", f"{PODS}?limit=2&continue={token}")[:2] == (410, "Expired")
    assert world.ok("GET", f"{PODS}?limit=2&continue={token}")["items"]


def test_a_stale_list() -> None:
    """Lists and reads are answered from the past, writes are not."""
    world = shop()
    world.clock.advance(60)
    name = world.pod()["metadata"]["name"]
    world.ok("DELETE", f"{PODS}/{name}", {"gracePeriodSeconds": 0})
    world.ok("POST", CONFIG_MAPS, {"metadata": {"name": "new"}})
    world.api.faults.add(Rule(do="stale", seconds=30))
    listed = world.ok("GET", PODS)["items"]
    assert name in [pod["metadata"]["name"] for pod in listed]
    assert world.ok("GET", f"{PODS}/{name}")["metadata"]["name"] == name
    assert world.call("GET", f"{CONFIG_MAPS}/new").status == 404
    assert world.call("DELETE", f"{PODS}/{name}").status == 404


@pytest.mark.parametrize(
    ("rule", "struck"),
    [
        (Rule(do="status"), [True, True, True, True]),
        (Rule(do="status", skip=2), [False, False, True, True]),
        (Rule(do="status", count=1), [True, False, False, False]),
        (Rule(do="status", skip=1, count=2), [False, True, True, False]),
        (Rule(do="status", verbs=("list",)), [False] * 4),
        (Rule(do="status", verbs=("get",), path="/nodes/"), [True] * 4),
        (Rule(do="status", path="^/apis/"), [False] * 4),
        (Rule(do="status", probability=0), [False] * 4),
        (Rule(do="expired"), [False] * 4),
    ],
)
def test_which_requests_a_rule_strikes(rule: Rule, struck: list[bool]) -> None:
    """By verb, path, position and number."""
    faults = Faults([rule])
    assert [faults.pick("get", "/api/v1/nodes/n") is rule for _ in range(4)] == struck


def test_chance_comes_from_the_seed() -> None:
    """The same seed strikes the same requests, about as many as asked."""

    def strikes(seed: int) -> list[bool]:
        faults = Faults([Rule(do="lost", probability=0.3)], seed)
        return [faults.pick("get", "/") is not None for _ in range(1000)]

    assert strikes(1) == strikes(1) != strikes(2)
    assert 250 < sum(strikes(1)) < 350


def test_faults_over_http_paths() -> None:
    """POST adds, GET shows what they did, DELETE clears; they never strike these paths."""
    world = shop()
    rule = {"do": "status", "status": 500}
    shown = world.ok("POST", "/sandbox/faults", [rule])
    assert shown == [{"rule": rule, "met": 0, "struck": 0}]
    assert world.call("GET", PODS).status == 500
    assert world.ok("GET", "/sandbox/faults")[0]["struck"] == 1
    assert world.ok("DELETE", "/sandbox/faults") == []
    assert world.call("GET", PODS).status == 200


@pytest.mark.parametrize(
    "body",
    [b"x", {}, [{"do": "nothing"}], [{"do": "lost", "typo": 1}], [{"do": "lost", "path": "("}]],
)
def test_rules_that_can_not_be_read(body: Any) -> None:
    """A typo in a rule is an error, not a rule that never strikes."""
    assert shop().refused("POST", "/sandbox/faults", body)[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/sandbox/none", 404),
        ("PUT", "/sandbox/faults", 405),
        ("POST", "/sandbox/requests", 405),
    ],
)
def test_control_paths_that_are_not_there(method: str, path: str, code: int) -> None:
    """Refused like anything else."""
    assert shop().refused(method, path, [])[0] == code


def test_the_journal_over_http_paths() -> None:
    """Requests and removals, for a test in another process."""
    world = shop()
    world.evict(world.pod()["metadata"]["name"])
    requests = world.ok("GET", "/sandbox/requests")
    assert [one["verb"] for one in requests] == ["create"]
    assert requests[0]["path"].endswith("/eviction")
    assert [one["by"] for one in world.ok("GET", "/sandbox/removals")] == ["eviction"]
    assert world.ok("DELETE", "/sandbox/requests") == []
