"""Templates: what only they decide."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from chaosd.core.etcd_answer import EtcdAnswer, EtcdMemberAnswer
from chaosd.core.explained import EtcdPart, Explanation, PolicyAnswer
from chaosd.core.kills import KillRecord
from chaosd.core.ledger import Result, Verdict
from chaosd.core.model import TargetKind
from chaosd.core.reasons import Code, Reason
from chaosd.core.status import status
from chaosd.core.status_parts import State
from chaosd.report.page.chart import chart
from chaosd.report.page.home import banner, facts
from chaosd.report.page.render import STATIC, render, static
from tests.core.ledgers import configuration, led, policy, stuck
from tests.core.test_status_nodes import drain
from tests.daemon.reading import Page
from tests.report.page.test_chart import record, recovered
from tests.report.page.test_home import AROUND, HERE
from tests.report.scene import START

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
ABOUT = {"cluster": "", "version": "1"}


def home(**changes: object) -> Page:
    """The first page of a status."""
    given = {"ledger": led(), "configuration": configuration(), "around": AROUND, "known": HERE}
    found = status(**{**given, **changes})  # type: ignore[arg-type]
    fields = {
        "status": found,
        "banner": banner(found, "chaosd"),
        "facts": facts(found),
        "plan": None,
        "plan_trouble": "not yet",
        "kills": (),
        "chart": None,
        "page": "home.html",
    }
    page = Page(render("home.html", found.now, "./", ABOUT | fields))
    assert page.wrong == []
    return page


def test_what_did_not_recover_comes_with_its_command() -> None:
    """So that a person can let it go."""
    words = home(ledger=stuck()).words
    assert "Did not recover" in words
    assert "chaosd forgive shop/Deployment/web" in words


def test_a_held_node_comes_with_its_pods_and_its_command() -> None:
    """How far a drain is, and how to put the node back."""
    one = drain()
    words = home(ledger=msgspec.structs.replace(led(), intents={one.id: one})).words
    assert "Nodes out of service" in words
    assert "chaosd undo" in words


def test_a_plan_that_is_not_known_says_why() -> None:
    """Instead of an empty list, which would say that nothing comes."""
    assert "Next kills Not known: not yet" in home().words


def test_many_policies_have_a_page_of_their_own() -> None:
    """The first page shows a dozen."""
    page = home(configuration=configuration(*(policy(f"p{n}") for n in range(40))))
    assert "and 28 more policies" in page.words
    assert len(page.all("article")) == 12


def one_policy(*kills: KillRecord, **window: object) -> Page:
    """The page of a policy that did these, with what is otherwise about its window."""
    found = status(led(), configuration(), AROUND, known=HERE)
    one = found.policies[0]
    fields = {
        "status": found,
        "policy": replace(one, window=replace(one.window, **window)),
        "deadline": policy().deadline,
        "plan": None,
        "plan_trouble": "",
        "kills": kills,
        "chart": chart(kills, START),
        "page": "policy.html",
    }
    page = Page(render("policy.html", START, "../", ABOUT | fields))
    assert page.wrong == []
    return page


def test_dry_runs_are_marked() -> None:
    """Among kills nobody takes one for a kill, also one that was refused."""
    dry = record(5, dry_run=True, result=Result.DRY_RUN)
    refused = record(5, dry_run=True, result=Result.REFUSED)
    kill = recovered(60, 8)
    for kills, tags in (((kill,), 0), ((kill, dry), 1), ((dry, refused), 2)):
        page = one_policy(*kills)
        marked = [found for found in page.all("span") if found.get("class") == "tag"]
        assert len(marked) == tags
        assert ("Last kills and dry runs" in page.words) == bool(tags)
    assert "refused dry run" in page.words


@pytest.mark.parametrize(
    ("until", "change", "said"),
    [
        (None, START + timedelta(hours=1), "not now a recovery may take "),
        (START + timedelta(hours=1), START + timedelta(hours=2), "until 11:00:00 in 1h"),
        (START + timedelta(days=731), None, "at any time a recovery may take"),
    ],
)
def test_until_when_kills_may_start(
    until: datetime | None, change: datetime | None, said: str
) -> None:
    """In words that fit a window without an end too."""
    words = one_policy(strikeable_until=until, next_change=change).words
    assert f"Kills may start {said}" in words
    assert "2028" not in words


def test_marks_of_a_plot_differ_in_shape() -> None:
    """A circle, a cross, and a diamond; each with words."""
    kills = (
        record(5, state=State.RECOVERING),
        recovered(60, 8),
        record(900, verdict=Verdict.NOT_RECOVERED),
    )
    page = one_policy(*kills)
    plotted = [found["class"] for tag, found in page.elements if tag in ("circle", "path")]
    assert sorted(plotted) == ["bad", "bad", "good", "good", "open", "open"]


def test_an_etcd_cluster_is_explained() -> None:
    """Its members, and why none may be taken down."""
    member = EtcdMemberAnswer(
        *("etcd-0", "1a", "leader", False, "<timeout>", None, "3.6.8", 1, 1, ("NOSPACE",)),
        *("http://10.0.0.1:2379", None, None),
    )
    against = (Reason(Code.UNREADABLE, "etcd-0 did not answer"),)
    cluster = EtcdAnswer("main", NOW, 3, 2, 2, 0, None, against, (member,))
    answer = PolicyAnswer("etcd", TargetKind.ETCD, False, against, {}, None, ())
    fields = {
        "target": "Etcd/main",
        "trouble": "",
        "found": Explanation("Etcd/main", (answer,), (cluster,)),
        "page": "why.html",
    }
    page = Page(render("why.html", NOW, "./", ABOUT | fields))
    assert page.wrong == []
    for words in ("No leader is known.", "<timeout>", "NOSPACE", "No member may be taken down now"):
        assert words in page.words


def test_what_is_part_of_an_etcd_cluster_says_so() -> None:
    """Which member it is, before all else; that no policy names its cluster."""
    part = EtcdPart("main", ("etcd-0",), "etcd/<etcd-0> is member etcd-0 of etcd cluster main")
    fields = {
        "target": "etcd/etcd-0",
        "trouble": "",
        "found": Explanation("etcd/StatefulSet/etcd", (), (), (part,)),
        "page": "why.html",
    }
    page = Page(render("why.html", NOW, "./", ABOUT | fields))
    assert page.wrong == []
    assert "etcd/<etcd-0> is member etcd-0 of etcd cluster main." in page.words
    assert "no policy that could be about it, and none names etcd cluster main." in page.words


@pytest.mark.parametrize("name", STATIC)
def test_files_load_nothing_else(name: str) -> None:
    """No font, picture or script of another host, and no name of one."""
    text = static(name).decode().replace("http://www.w3.org/2000/svg", "")
    for forbidden in ("http:", "https:", "//cdn", "@import", "url(", "innerHTML = "):
        assert forbidden not in text


def colours() -> list[dict[str, str]]:
    """The colours by name, in light and in dark."""
    light, dark = static("chaosd.css").decode().split("@media (prefers-color-scheme: dark)")
    return [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", text)) for text in (light, dark)]


def brightness(colour: str) -> float:
    """The relative luminance of WCAG 2."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("mode", colours(), ids=["light", "dark"])
def test_words_stand_out_from_what_they_stand_on(mode: dict[str, str]) -> None:
    """By 4.5 to 1 at least (WCAG 2, AA)."""
    plain = [(ink, on) for ink in ("ink", "soft", "link") for on in ("paper", "sheet", "code")]
    toned = [(tone, on) for tone in ("calm", "live", "trouble") for on in ("sheet", f"{tone}-tint")]
    inked = [("ink", f"{tone}-tint") for tone in ("calm", "live", "trouble")]
    days = [("on-open", f"open-{n}") for n in (1, 2, 3, 4)]
    for ink, on in (*plain, *toned, *inked, *days, ("trouble", "paper")):
        low, high = sorted((brightness(mode[ink]), brightness(mode[on])))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, on)
