"""``chaosd ledger``, over HTTP."""

from __future__ import annotations

from chaosd.core import ledger_text
from chaosd.core.ledger import Halt, Ledger
from tests.cli.shop import Shop


def damaged(shop: Shop) -> str:
    """A ledger that was cut off behind its only intent."""
    text = ledger_text.encode(shop.unrecovered())
    return text[: text.index('"outcomes"')]


def test_showing_it(shop: Shop) -> None:
    """A line that sums it up, then its text; exit 0."""
    shop.write(Ledger(halt=Halt("ann@laptop", "release", shop.now)))
    answer = shop.say("ledger", "show")
    assert answer.code == 0
    assert "0 open intents" in answer.out
    assert '"why": "release"' in answer.out
    assert shop.say("ledger", "show", "-o", "json").json["ledger"]["halt"]["who"] == "ann@laptop"


def test_showing_a_damaged_one(shop: Shop) -> None:
    """What reads is shown, what does not is named, and the text itself is one option away."""
    text = damaged(shop)
    shop.write(text)
    answer = shop.say("ledger", "show")
    assert answer.code == 1
    assert "shop/Deployment/web" in answer.out
    assert "ledger repair" in answer.err
    assert shop.say("ledger", "show", "--raw").out == text + "\n"
    found = shop.say("ledger", "show", "-o", "json")
    assert found.code == 1
    assert found.json["lost"]
    assert list(found.json["ledger"]["intents"]) == [f"{1:020x}"]


def test_showing_none(shop: Shop) -> None:
    """Before the first start that is as it should be."""
    answer = shop.say("ledger", "show")
    assert answer.code == 0
    assert "first start" in answer.err
    assert shop.say("ledger", "show", "-o", "json").json["exists"] is False


def test_repairing_asks_first(shop: Shop) -> None:
    """With nobody to ask nothing is done: exit 2, and the option that says yes."""
    shop.write(damaged(shop))
    answer = shop.say("ledger", "repair")
    assert answer.code == 2
    assert "--yes" in answer.err
    assert shop.say("ledger", "show").code == 1


def test_repairing(shop: Shop) -> None:
    """What reads stays, the text is set aside in a ConfigMap, and chaosd is halted by a name."""
    text = damaged(shop)
    shop.write(text)
    answer = shop.say("ledger", "repair", "--yes")
    assert answer.code == 0
    halt = shop.ledger().halt
    assert halt is not None
    assert halt.who == "ann@laptop"
    assert list(shop.ledger().intents) == [f"{1:020x}"]
    (name,) = [
        key[1] for key in shop.cluster.keys("configmaps") if key[1].startswith("chaosd-ledger-")
    ]
    assert name in answer.out
    kept = shop.cluster.get("configmaps", "chaosd", name)
    assert kept is not None
    assert kept["data"]["ledger.json"] == text
    assert shop.say("ledger", "show").code == 0


def test_repairing_a_whole_one(shop: Shop) -> None:
    """There is nothing to do, which is no success: exit 1, and nothing is written."""
    shop.write(Ledger(revision=3))
    answer = shop.say("ledger", "repair", "--yes")
    assert answer.code == 1
    assert "nothing to repair" in answer.err
    assert shop.ledger().revision == 3


def test_init_after_a_loss(shop: Shop) -> None:
    """Deleted by somebody: status says so, init makes a new one, and it is trusted."""
    shop.write(Ledger())
    shop.cluster.remove("configmaps", "chaosd", "chaosd-ledger")
    assert "ledger init" in shop.say("status").out
    assert shop.say("ledger", "init").code == 2
    assert shop.say("ledger", "init", "--yes").code == 0
    assert shop.ledger() == Ledger()
    assert "ledger init" not in shop.say("status").out


def test_init_before_the_first_start(shop: Shop) -> None:
    """It may be the wrong namespace, so that is asked too; a second one has nothing to do."""
    asked = shop.say("ledger", "init")
    assert asked.code == 2
    assert "in namespace chaosd? chaosd has not started there" in asked.err
    assert shop.say("ledger", "init", "--yes").code == 0
    answer = shop.say("ledger", "init")
    assert answer.code == 0
    assert "nothing to do" in answer.out


def test_init_of_a_damaged_one(shop: Shop) -> None:
    """It has to be repaired: exit 1."""
    shop.write(damaged(shop))
    answer = shop.say("ledger", "init", "--yes")
    assert answer.code == 1
    assert "ledger repair" in answer.err
