"""``chaosd attempt`` and ``chaosd forgive``, over HTTP."""

from __future__ import annotations

from chaosd.core.ledger import Ledger
from tests.cli.shop import WEB, Shop, leading


def test_an_attempt_kills_one_pod(shop: Shop) -> None:
    """The leader strikes, and the answer names the victim; another pod comes in its place."""
    before = shop.pods("web")
    with leading(shop):
        answer = shop.say("attempt", "web", "--target", WEB, "-o", "json")
    assert (answer.code, answer.json["result"]) == (0, "killed")
    name = answer.json["victim"].removeprefix("shop/")
    assert name in before
    assert shop.ledger().find(answer.json["intent"]) is not None


def test_a_dry_run_is_fine_too(shop: Shop) -> None:
    """Exit 0, and all pods stay."""
    before = shop.pods("web")
    with leading(shop):
        answer = shop.say("attempt", "mean", "--target", WEB)
    assert answer.code == 0
    assert "dry run: would have killed pod shop/web-" in answer.out
    assert shop.pods("web") == before


def test_what_speaks_against_it_is_said(shop: Shop) -> None:
    """A workload that the policy does not choose from: exit 1 with the reasons."""
    with leading(shop):
        answer = shop.say("attempt", "web", "--target", "shop/Deployment/api")
    assert answer.code == 1
    assert "skipped" in answer.err
    assert "nameNotSelected" in answer.out


def test_a_policy_that_there_is_not(shop: Shop) -> None:
    """Only the running chaosd knows its policies, and it says so."""
    with leading(shop):
        answer = shop.say("attempt", "wbe", "-o", "json")
    assert (answer.code, answer.json["result"]) == (1, "skipped")
    assert "wbe" in answer.json["reasons"][0]["detail"]


def test_nobody_leads(shop: Shop) -> None:
    """It is said at once, and no request is left behind."""
    shop.write(shop.holding())
    answer = shop.say("attempt", "web")
    assert answer.code == 1
    assert "nobody leads" in answer.err
    assert shop.ledger().requests == {}


def test_not_waiting(shop: Shop) -> None:
    """The request is posted with who asks, and for a minute."""
    with leading(shop):
        answer = shop.say("attempt", "web", "--no-wait", "-o", "json")
        assert answer.code == 0
        request = shop.ledger().requests[answer.json["request"]]
    assert (request.who, (request.expires - request.at).seconds) == ("ann@laptop", 60)


def test_forgiving_lets_a_workload_go(shop: Shop) -> None:
    """Its intent is closed, with who said so."""
    shop.write(shop.unrecovered())
    answer = shop.say("forgive", WEB, "-o", "json")
    assert answer.code == 0
    assert answer.json["by"] == "ann@laptop"
    assert shop.ledger().intents == {}
    (closed,) = shop.ledger().outcomes.values()
    assert "ann@laptop" in closed.seen


def test_forgiving_what_needs_none(shop: Shop) -> None:
    """Exit 1, and the workloads that could be meant."""
    shop.write(shop.unrecovered())
    answer = shop.say("forgive", "shop/Deployment/api")
    assert answer.code == 1
    assert f"unrecovered: {WEB}" in answer.err
    assert len(shop.ledger().intents) == 1


def test_forgiving_with_an_empty_ledger(shop: Shop) -> None:
    """Nothing to forgive is said, not done."""
    shop.write(Ledger())
    assert shop.say("forgive", WEB).code == 1
