"""What an attempt writes, each write gone wrong: no kill twice, and the ledger tells the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from chaosd.core.ledger import Result
from chaosd.core.model import BudgetMode, Code
from chaosd.engine.attempt import SKIPPED
from chaosd.kube.transport import Reply
from chaosd.ports import Unanswered
from chaosd.sandbox import Cluster, Denial, scenarios
from tests.engine import troubles as on
from tests.engine.process import Hook
from tests.engine.scene import LEDGER, Scene, codes, configured, policy

STRIKE = {BudgetMode.RESPECT: "/eviction$", BudgetMode.BYPASS: "/pods/[^/]+$"}
VERBS = {BudgetMode.RESPECT: ("create",), BudgetMode.BYPASS: ("delete",)}


# ------------------------------------------------------------------ the reservation


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"do": "status", "status": 403}, Code.FORBIDDEN),
        ({"do": "status", "status": 422}, Code.UNREADABLE),
        ({"do": "status", "status": 429}, Code.UNREADABLE),
        ({"do": "status", "status": 500}, Code.LEDGER_CONTENDED),
        ({"do": "status", "status": 500, "when": "after"}, Code.LEDGER_CONTENDED),
        ({"do": "lost"}, Code.LEDGER_CONTENDED),
        ({"do": "lost", "when": "after"}, Code.LEDGER_CONTENDED),
        ({"do": "delay", "seconds": 8.0, "when": "after"}, Code.LEDGER_CONTENDED),
    ],
)
def test_nothing_is_struck_that_is_not_surely_reserved(rule: dict[str, Any], code: Code) -> None:
    """An error or a lost answer to the reservation ends the attempt, and no intent stays open."""
    scene = Scene(fill=on.shop)
    process = scene.leader()
    scene.fault(verbs=("patch",), path="/configmaps/", count=1, **rule)
    ended = process.attempt()
    assert (ended.result, codes(ended)) == (SKIPPED, {code})
    assert scene.victims() == []
    assert scene.ledger().intents == {}
    assert {one.result for one in scene.ledger().outcomes.values()} <= {Result.FAILED}
    assert process.context.executing == set()
    scene.clock.advance(1)
    process.lead.step()
    assert process.attempt().result == "killed"


def test_a_reservation_that_arrives_late_does_so_in_vain() -> None:
    """It was given up, and the ledger was swapped once more, before it came."""
    scene = Scene(fill=on.shop)
    late: list[Callable[[], Reply]] = []

    class Late(Hook):
        def send(self, *request: Any) -> Any:
            method, path = request[:2]
            if f"{method} {path}" == f"PATCH {LEDGER}" and process.context.leading and not late:
                late.append(lambda: self.transport.send(*request))
                raise Unanswered("it is on its way")
            return self.transport.send(*request)

    process = scene.process(through=Late("", lambda: None))
    process.start()
    ended = process.attempt()
    assert codes(ended) == {Code.LEDGER_CONTENDED}
    assert late[0]().status == 409
    assert scene.ledger().intents == {}


# ------------------------------------------------------------------ the strike


@dataclass
class Strike:
    """How the strike goes wrong, and what is true afterwards."""

    rule: dict[str, Any]
    result: str
    victims: int
    detail: str = ""
    verdict: bool = field(init=False)

    def __post_init__(self) -> None:
        self.verdict = self.result == "killed"


STRIKES = {
    "403": Strike({"do": "status", "status": 403}, "failed", 0, "403"),
    "404": Strike({"do": "status", "status": 404}, "refused", 0, "the pod is gone"),
    "409": Strike({"do": "status", "status": 409}, "refused", 0, "changed"),
    "422": Strike({"do": "status", "status": 422}, "failed", 0, "422"),
    "429": Strike({"do": "status", "status": 429}, "refused", 0, "429"),
    "500 before": Strike({"do": "status", "status": 500}, "failed", 0, "still there"),
    "500 after": Strike({"do": "status", "status": 500, "when": "after"}, "killed", 1),
    "lost before": Strike({"do": "lost"}, "failed", 0, "no late strike can hit it"),
    "lost after": Strike({"do": "lost", "when": "after"}, "killed", 1),
    "late": Strike({"do": "delay", "seconds": 12.0, "when": "after"}, "killed", 1),
    "never in time": Strike({"do": "delay", "seconds": 12.0}, "failed", 0, "still there"),
}


@pytest.mark.parametrize("pdb", list(BudgetMode))
@pytest.mark.parametrize("name", STRIKES)
def test_the_outcome_of_every_strike_is_known_and_true(name: str, pdb: BudgetMode) -> None:
    """What was answered is settled as answered; what was not is fenced, seen, and settled."""
    case = STRIKES[name]
    scene = Scene(configured(policy(pdb=pdb)), on.shop)
    process = scene.leader()
    scene.fault(verbs=VERBS[pdb], path=STRIKE[pdb], count=1, **case.rule)
    scene.asked()
    process.attempt()
    struck = [one for one in scene.asked() if one.verb in VERBS[pdb] and "/pods/" in one.path]
    assert len(struck) == 1
    scene.run(20)
    (intent,) = scene.ledger().outcomes.values()
    assert intent.result is not None
    assert (str(intent.result), len(scene.victims())) == (case.result, case.victims)
    assert case.detail in intent.detail
    assert bool(intent.verdict) is case.verdict
    assert bool(scene.ledger().last_kills) is case.verdict


def test_who_wakes_up_without_the_lease_touches_nothing_more() -> None:
    """Frozen on its strike until its lease was over, it leaves the fence to whoever leads then."""
    scene = Scene(fill=on.shop)

    def freeze() -> None:
        scene.clock.advance(60)
        raise Unanswered("frozen")

    process = scene.leader(through=Hook("/eviction", freeze))
    scene.asked()
    assert process.attempt().result == "unknown"
    assert [one for one in scene.asked() if one.path.endswith("/status")] == []
    assert scene.ledger().unsettled()
    scene.run(20)
    (intent,) = scene.ledger().outcomes.values()
    assert (intent.result, scene.victims()) == (Result.FAILED, [])


def two_budgets(cluster: Cluster) -> None:
    on.web(3, opt_in=True)(cluster)
    scenarios.pdb(cluster, "shop", "web", min_available=1)


def test_a_second_budget_that_came_meanwhile_is_a_refusal() -> None:
    """The Eviction API answers 500 for it, and nothing happened."""
    scene = Scene(fill=two_budgets)

    def another() -> None:
        scenarios.pdb(scene.cluster, "shop", "late", match={"app": "web"}, min_available=1)

    ended = scene.leader(through=Hook("/eviction", another)).attempt()
    assert ended.result == "refused"
    assert ended.intent
    assert "more than one PodDisruptionBudget" in ended.intent.detail
    assert scene.victims() == []


def test_a_victim_that_was_replaced_meanwhile_is_not_struck() -> None:
    """Its UID and resourceVersion are preconditions: the new pod of that name stays."""
    scene = Scene(fill=on.shop)

    def replace() -> None:
        scene.cluster.remove("pods", "shop", "cart-0")
        scene.settle()

    process = scene.leader(through=Hook("cart-0/eviction", replace))
    for number in range(6):
        process.ended.clear()
        process.lead.step()
        ended = process.attempt(workload=on.CART)
        if ended.intent and ended.intent.victim.name == "cart-0":
            break
        scene.run(5 + number)
    assert ended.result == "refused"
    assert "shop/cart-0" not in scene.victims()


# ------------------------------------------------------------------ the settlement


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("lost", [1, 2, 5])
def test_a_lost_settlement_is_made_up_for(lost: int, when: str) -> None:
    """The kill has happened: whoever observes settles it, once, as killed."""
    scene = Scene(fill=on.shop)
    process = scene.leader()
    scene.fault(do="lost", when=when, path="/configmaps/", verbs=("patch",), skip=1, count=lost)
    process.attempt()
    scene.run(30)
    (intent,) = scene.ledger().outcomes.values()
    assert intent.result is Result.KILLED
    assert len(scene.victims()) == 1
    assert [result for _, result in process.tape.results] == ["killed"]


def test_while_a_strikes_outcome_is_unknown_nothing_else_starts() -> None:
    """Neither an answer nor a fence: the intent stays open, and every slot says why it waits."""
    scene = Scene(fill=on.shop)
    process = scene.leader()
    scene.fault(do="lost", when="after", verbs=("create",), path="/eviction$", count=1)
    scene.sandbox.api.access.deny(Denial("patch", "", "pods/status"))
    assert process.attempt().result == "unknown"
    scene.run(60)
    assert codes(process.attempt()) == {Code.UNSETTLED_INTENT}
    assert len(scene.victims()) == 1
    scene.sandbox.api.access.allow_all()
    scene.run(5)
    (intent,) = scene.ledger().outcomes.values()
    assert intent.result is Result.KILLED
