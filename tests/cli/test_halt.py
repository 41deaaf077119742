"""``chaosd halt`` and ``chaosd resume``, over HTTP."""

from __future__ import annotations

import pytest

from chaosd.core.ledger import Halt, Ledger
from chaosd.sandbox import Denial, Rule
from tests.cli.shop import WEB, Shop, leading

LEDGER = "/configmaps/chaosd-ledger"


def test_a_halt_is_written_with_who_and_why_and_acknowledged(shop: Shop) -> None:
    """Nothing is under way, so nothing has to be awaited."""
    shop.write(Ledger())
    before = shop.now
    answer = shop.say("halt", "--reason", "release 4.2")
    assert answer.code == 0
    assert "no action starts until somebody says `chaosd resume`" in answer.out
    halt = shop.ledger().halt
    assert halt is not None
    assert (halt.who, halt.why) == ("ann@laptop", "release 4.2")
    assert abs((halt.at - before).total_seconds()) < 10


def test_the_first_halt_stays(shop: Shop) -> None:
    """Who halts again is told of the first, which is not overwritten."""
    first = Halt("bob@desk", "incident", shop.now)
    shop.write(Ledger(halt=first))
    answer = shop.say("halt", "--reason", "release")
    assert answer.code == 0
    assert "halted already, by bob@desk" in answer.out
    assert shop.ledger().halt == first


def test_in_json(shop: Shop) -> None:
    """Programs read whether it is acknowledged."""
    shop.write(Ledger())
    answer = shop.say("halt", "--reason", "release", "-o", "json")
    assert answer.json["acknowledged"] is True
    assert answer.json["halt"]["why"] == "release"
    assert answer.json["waitingFor"] == []


def test_what_nobody_settles_is_fenced_from_here(shop: Shop) -> None:
    """A dead leader left a step behind: its pod is touched so that no late strike can land, and
    only then is the halt acknowledged."""
    intent = shop.intent(-30)
    shop.write(shop.holding(intent))
    answer = shop.say("halt", "--reason", "incident")
    assert answer.code == 0
    settled = shop.ledger().find(intent.id)
    assert settled is not None
    assert settled.result == "failed"
    pod = shop.cluster.get("pods", "shop", intent.victim.name)
    assert pod is not None
    assert pod["metadata"]["resourceVersion"] != intent.victim.resource_version


def test_what_may_still_be_struck_is_awaited(shop: Shop) -> None:
    """The halt is in force, but it is not acknowledged before the outcome is known: exit 1."""
    shop.write(shop.holding(shop.intent(600)))
    answer = shop.say("halt", "--reason", "incident", "--timeout", 1)
    assert answer.code == 1
    assert f"{1:020x}" in answer.err
    assert "the halt stays in force" in answer.err
    assert shop.ledger().halt is not None


def test_one_policy_is_paused_and_others_are_not_awaited(shop: Shop) -> None:
    """What is under way for another policy does not matter."""
    shop.write(shop.holding(shop.intent(600)))
    answer = shop.say("halt", "--reason", "noisy", "--policy", "mean")
    assert answer.code == 0
    assert set(shop.ledger().paused) == {"mean"}
    assert shop.ledger().halt is None
    assert "is that its name?" in answer.err


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_is_no_lost_halt(shop: Shop, when: str) -> None:
    """The swap is done again until it is certain."""
    shop.write(Ledger())
    rule = Rule(do="lost", when=when, verbs=("patch",), path=LEDGER, count=1)  # type: ignore[arg-type]
    shop.server.api.faults.add(rule)
    answer = shop.say("halt", "--reason", "incident")
    assert answer.code == 0
    assert shop.ledger().halt is not None


def test_not_being_allowed_is_said_at_once(shop: Shop) -> None:
    """Exit 1, one line, and no halt."""
    shop.write(Ledger())
    shop.server.api.access.deny(Denial("patch", "", "configmaps"))
    answer = shop.say("halt", "--reason", "incident")
    assert answer.code == 1
    assert "does not allow it" in answer.err
    assert shop.ledger().halt is None


@pytest.mark.parametrize("gone", [True, False])
def test_without_a_usable_ledger_it_says_that_nothing_is_struck(shop: Shop, gone: bool) -> None:
    """Gone or damaged: chaosd does not strike without it, and the person hears that."""
    shop.write("{ broken")
    if gone:
        shop.cluster.remove("configmaps", "chaosd", "chaosd-ledger")
    answer = shop.say("halt", "--reason", "incident")
    assert answer.code == 1
    assert "nothing new is struck" in answer.err


@pytest.mark.parametrize(
    "command",
    [
        ("halt", "--reason", "incident"),
        ("resume",),
        ("forgive", WEB),
        ("attempt", "web"),
    ],
)
def test_the_wrong_namespace_is_no_success(shop: Shop, command: tuple[str, ...]) -> None:
    """No ledger is made where none was, and nobody is told that all is well."""
    shop.write(Ledger())
    answer = shop.say(*command, "--namespace", "shop")
    assert answer.code == 1
    assert "chaosd has not started in namespace shop" in answer.err
    assert shop.cluster.get("configmaps", "shop", "chaosd-ledger") is None


def test_a_halt_does_not_need_the_lease(shop: Shop) -> None:
    """Who may change the ledger alone can halt."""
    shop.write(Ledger())
    shop.server.api.access.deny(Denial("*", "coordination.k8s.io", "leases"))
    assert shop.say("halt", "--reason", "incident").code == 0
    assert shop.ledger().halt is not None


def test_resume_takes_back_command_and_annotation(shop: Shop) -> None:
    """Both go with one swap, and who had halted is said."""
    shop.write(Ledger(halt=Halt("bob@desk", "incident", shop.now)))
    shop.annotate("by kubectl")
    answer = shop.say("resume")
    assert answer.code == 0
    assert "halted by bob@desk" in answer.out
    assert shop.ledger().halt is None
    assert shop.say("resume", "-o", "json").json == {
        "resumed": False,
        "was": None,
        "stillHalted": [],
    }


def test_an_annotation_alone_can_be_resumed(shop: Shop) -> None:
    """It is named with its text."""
    shop.write(Ledger())
    shop.annotate("by kubectl")
    answer = shop.say("resume", "-o", "json")
    assert answer.json["resumed"] is True
    item = shop.cluster.get("configmaps", "chaosd", "chaosd-ledger")
    assert item is not None
    assert "chaosd.io/halt" not in item["metadata"].get("annotations", {})


def test_resume_says_what_still_halts(shop: Shop) -> None:
    """Paused policies, and the configuration."""
    pause = Halt("bob@desk", "noisy", shop.now)
    shop.write(Ledger(halt=Halt("ann@laptop", "x", shop.now), paused={"mean": pause}))
    shop.file.write_text(shop.file.read_text() + "halted: true\n")
    answer = shop.say("resume", "--file", shop.file)
    assert answer.code == 0
    assert "still halted: policy mean, by bob@desk: noisy" in answer.out
    assert "halted: true" in answer.out


def test_resume_where_only_policies_are_paused(shop: Shop) -> None:
    """Nothing is resumed, and what to type is said."""
    pause = Halt("bob@desk", "noisy", shop.now)
    shop.write(Ledger(paused={"mean": pause}))
    answer = shop.say("resume")
    assert answer.code == 0
    assert answer.out.splitlines() == [
        "no halt of everything was in force: there was nothing to resume",
        "still halted: policy mean, by bob@desk: noisy",
        "to let policy mean go on: chaosd resume --policy mean",
    ]
    assert set(shop.ledger().paused) == {"mean"}
    other = shop.say("resume", "--policy", "web").out.splitlines()
    assert other[0] == "policy web was not paused: there was nothing to resume"


def test_resume_one_policy(shop: Shop) -> None:
    """The halt of everything stays."""
    halt = Halt("bob@desk", "incident", shop.now)
    shop.write(Ledger(halt=halt, paused={"mean": halt, "web": halt}))
    assert shop.say("resume", "--policy", "mean").code == 0
    assert (shop.ledger().halt, set(shop.ledger().paused)) == (halt, {"web"})


def test_once_halted_an_attempt_is_not_made(shop: Shop) -> None:
    """The leader answers with the halt as its reason and every pod stays, until resume."""
    with leading(shop):
        before = shop.pods("web")
        assert shop.say("halt", "--reason", "incident").code == 0
        refused = shop.say("attempt", "web", "-o", "json")
        assert (refused.code, refused.json["result"]) == (1, "skipped")
        assert {"code": "halted", "detail": "by ann@laptop: incident"} in refused.json["reasons"]
        assert shop.pods("web") == before
        assert shop.say("resume").code == 0
        killed = shop.say("attempt", "web", "-o", "json")
        assert (killed.code, killed.json["result"]) == (0, "killed")
        assert killed.json["workload"] == WEB
