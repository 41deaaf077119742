"""What stands on the page: the sentence at the top, and bounded lists."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from chaosd.core.admission import Circumstances
from chaosd.core.ledger import Halt
from chaosd.core.status import Known, Status, status
from chaosd.report.page.funnel import funnel
from chaosd.report.page.home import Tone, banner, facts, few
from tests.core.ledgers import LEADER, NOW, STOP, configuration, intent, led, policy, reserved
from tests.report.scene import nights

AROUND = Circumstances(now=NOW, leading=True)
HERE = Known(holder=LEADER.holder)


def look(**changes: object) -> Status:
    """A status of one live policy, with some arguments changed."""
    given = {"ledger": led(), "configuration": configuration(), "around": AROUND, "known": HERE}
    return status(**{**given, **changes})  # type: ignore[arg-type]


def said(found: Status) -> dict[str, tuple[str, Tone]]:
    return {fact.name: (fact.value, fact.tone) for fact in facts(found)}


def test_pods_can_be_killed() -> None:
    """Said in words, with who and when, and how to stop it."""
    known = msgspec.structs.replace(HERE, next_slots={"web": NOW + timedelta(minutes=3)})
    top = banner(look(known=known), "chaos")
    assert (top.tone, top.headline) == (Tone.LIVE, "Pods can be killed now, by policy web")
    assert top.due == ("web", NOW + timedelta(minutes=3))
    assert [one.text for one in top.stop] == [
        'chaosd halt --reason "why"',
        'kubectl annotate configmap chaosd-ledger -n chaos chaosd.io/halt="why"',
    ]
    assert top.resume == ()


@pytest.mark.parametrize(
    ("changes", "tone", "headline", "why"),
    [
        (
            {"ledger": msgspec.structs.replace(led(), halt=STOP)},
            Tone.CALM,
            "Nothing can be killed now",
            ("halted", "by ann: release"),
        ),
        (
            {"configuration": configuration(policy(dry_run=True))},
            Tone.CALM,
            "Nothing can be killed now",
            ("every policy is a dry run: nothing is touched", ""),
        ),
        (
            {"around": msgspec.structs.replace(AROUND, problems=("line 3: no",))},
            Tone.TROUBLE,
            "Nothing can be killed now",
            ("configuration invalid", "line 3: no"),
        ),
        (
            {"ledger": None, "ledger_problem": "the ledger is gone"},
            Tone.TROUBLE,
            "Nothing can be killed now",
            ("ledger unreadable", "the ledger is gone"),
        ),
        (
            {"configuration": None},
            Tone.TROUBLE,
            "Nobody knows whether anything can be killed now",
            ("no configuration was read here", ""),
        ),
        (
            {"configuration": msgspec.structs.replace(configuration(), policies=())},
            Tone.CALM,
            "Nothing can be killed now",
            ("there is no policy", ""),
        ),
        (
            {"ledger": reserved(led(), intent()), "configuration": configuration(halted=True)},
            Tone.LIVE,
            "Nothing new can be killed now, 1 action under way",
            ("halted", "by the configuration: halted: true"),
        ),
    ],
)
def test_why_nothing_can_be_killed(
    changes: dict[str, object], tone: Tone, headline: str, why: tuple[str, str]
) -> None:
    """The sentence, its tone, and the first reason."""
    top = banner(look(**changes), "chaosd")
    assert (top.tone, top.headline) == (tone, headline)
    assert top.why.shown[0] == why


def test_each_halt_says_how_it_is_taken_back() -> None:
    """All three must be, before anything goes on."""
    around = msgspec.structs.replace(AROUND, annotation_halt="drill")
    halted = msgspec.structs.replace(led(), halt=Halt("bob", "freeze", NOW))
    known = msgspec.structs.replace(HERE, halts_seen={"configuration": NOW - timedelta(hours=1)})
    settings = configuration(halted=True)
    found = look(ledger=halted, around=around, configuration=settings, known=known)
    assert [one.text for one in banner(found, "chaosd").resume] == [
        "chaosd resume",
        "kubectl annotate configmap chaosd-ledger -n chaosd chaosd.io/halt-",
        "halted: false",
    ]
    halts = [fact for fact in facts(found) if fact.name == "Halted"]
    assert [(one.value, one.note) for one in halts] == [
        ("by bob", "freeze"),
        ("by annotation", "drill; no time is known"),
        ("by the configuration", "halted: true, seen since"),
    ]
    assert [one.at for one in halts] == [NOW, None, NOW - timedelta(hours=1)]


def test_a_pause_of_no_policy() -> None:
    """The name was mistyped, and the policy that was meant goes on."""
    paused = msgspec.structs.replace(led(), paused={"nope": STOP})
    fact = next(one for one in facts(look(ledger=paused)) if one.name == "Policy nope paused")
    assert fact.note == "there is no policy of that name; release"


def test_nobody_to_kill() -> None:
    """The headline promises nobody whom the last look did not find."""
    settings = configuration(policy("a"), policy("b"))
    known = msgspec.structs.replace(HERE, surveyed={"b": NOW}, funnels={"b": {"cooldown": 3}})
    top = banner(look(configuration=settings, known=known), "chaosd")
    assert top.headline == "Pods can be killed now, by policy a"
    assert [one.name for one in top.barren.shown] == ["b"]
    known = msgspec.structs.replace(known, surveyed={"a": NOW, "b": NOW})
    top = banner(look(configuration=settings, known=known), "chaosd")
    assert top.headline == (
        "Pods can be killed now, by policies a, b, but none was eligible at the last look"
    )


def test_the_facts() -> None:
    """Leader, halts, windows, dry run and configuration, each in words."""
    assert said(look()) == {
        "Leader": (LEADER.holder, Tone.CALM),
        "Halted": ("no", Tone.CALM),
        "Windows": ("open", Tone.LIVE),
        "Dry run": ("no: kills are real", Tone.LIVE),
        "Configuration": ("valid", Tone.CALM),
    }


def test_windows_and_dry_runs_of_several_policies() -> None:
    """How many, where they differ; and the first change of any."""
    known = configuration(policy("a", windows=nights()), policy("b", dry_run=True))
    found = said(look(configuration=known))
    assert found["Windows"] == ("open for 1 of 2 policies", Tone.LIVE)
    assert found["Dry run"] == ("for 1 policy; 1 kill for real", Tone.LIVE)
    closed = next(
        fact
        for fact in facts(look(configuration=configuration(policy(windows=nights()))))
        if fact.name == "Windows"
    )
    assert (closed.value, closed.note) == ("closed", "opens")
    assert closed.at == NOW.replace(hour=22)


def test_nobody_leads() -> None:
    """That is trouble, and said."""
    found = look(ledger=msgspec.structs.replace(led(), leader=None), known=Known())
    assert said(found)["Leader"] == ("nobody leads", Tone.TROUBLE)
    assert banner(found, "chaosd").tone is Tone.TROUBLE


def test_lists_are_cut_and_say_so() -> None:
    """However many there are."""
    assert few(range(3)) == few([0, 1, 2])
    assert (few(range(13)).shown, few(range(13)).more) == (tuple(range(10)), 3)
    many = configuration(*(policy(f"p{n}") for n in range(50)))
    top = banner(look(configuration=many), "chaosd")
    assert top.headline == "Pods can be killed now, by policies p0, p1, p2 and 47 more"


def test_a_funnel_begins_with_what_passes() -> None:
    """Then the most frequent reasons; the longest bar is full."""
    found = funnel({"rollout": 5, "cooldown": 50, "eligible": 25, "vetoed": 1}, 3)
    assert [(bar.words, bar.count, bar.share) for bar in found.bars] == [
        ("eligible", 25, 50.0),
        ("cooldown", 50, 100.0),
        ("rollout", 5, 10.0),
    ]
    assert found.more == 1
    assert funnel({}, 5).bars == ()
