"""The page over real HTTP: what browsers get, and what curl does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest

from chaosd.core.ledger import Tally
from chaosd.core.ledger_text import decode, encode
from chaosd.daemon.headers import SECURE
from tests.daemon.reading import Page
from tests.daemon.served import FILE, HTML, Served, served
from tests.engine.cluster_side import NAMESPACE

PAGES = (
    "/",
    "/policies",
    "/policies/web",
    "/policies/slow",
    "/calendar",
    "/calendar?policy=web&from=2027-01",
    "/why",
    "/why?target=shop/Deployment/web",
    "/why?target=shop/Deployment/other",
    "/why?target=node/node-1",
    "/why?target=%3Cscript%3E",
    "/nothing",
    "/policies/nobody",
    "/a/b/c",
)
CSP = SECURE["Content-Security-Policy"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A daemon that has killed, and surveyed."""
    with served(tmp_path_factory.mktemp("shop")) as found:
        found.ready()
        found.site.until(lambda: found.json("kills")["total"], "a kill")
        found.site.until(lambda: not found.json("plan")["unknown"], "a survey")
        yield found


def look(shop: Served, path: str) -> Page:
    return Page(shop.html(path))


@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_sound(shop: Served, path: str) -> None:
    """Well-formed, with landmarks, one heading of the first level, captions, labels; nothing inside
    it that the security policy forbids, and only relative links."""
    assert look(shop, path).wrong == []


@pytest.mark.parametrize("path", PAGES)
def test_nothing_that_people_wrote_becomes_markup(shop: Served, path: str) -> None:
    """Names, annotations, reasons and what was asked for are text."""
    text = shop.html(path)
    assert "<script>" not in text
    assert "<b>" not in text
    assert "test <b>eu</b>" in look(shop, path).words


def test_a_bad_annotation_is_shown_as_text(shop: Served) -> None:
    """With the reason code in words."""
    found = look(shop, "/why?target=shop/Deployment/other")
    assert "bad annotation chaosd.io/min-gap=<script>alert(2)</script>" in found.words


@pytest.mark.parametrize("accept", ["", "*/*", "text/plain", "application/json", "text/html;q=0"])
def test_curl_gets_text(shop: Served, accept: str) -> None:
    """As ``chaosd status`` says it; caches are told that it depends."""
    answer = shop.client.get("/", headers={"Accept": accept})
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["vary"] == "Accept"
    assert answer.text.startswith(("Victims CAN be killed now", "NOTHING can be killed now"))


@pytest.mark.parametrize(
    "accept", ["text/html", HTML["Accept"], "TEXT/HTML; q=0.5", "application/xhtml+xml"]
)
def test_browsers_get_the_page(shop: Served, accept: str) -> None:
    """With the same header for caches."""
    answer = shop.client.get("/", headers={"Accept": accept})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize(
    "path",
    [*PAGES, "/metrics", "/healthz", "/readyz", "/api/v1/status", "/api/v1/x", "/static/chaosd.js"],
)
def test_security_headers_on_everything(shop: Served, path: str) -> None:
    """Errors too; no cookie is ever set, and nobody learns which server this is."""
    for method in ("GET", "HEAD", "POST"):
        headers = shop.client.request(method, path, headers=HTML).headers
        own = (
            {}
            if path.startswith("/static/") and method != "POST"
            else {"Cache-Control": "no-store"}
        )
        wanted = {k: v for k, v in SECURE.items() if k != "Cache-Control"} | own
        assert {name: headers.get(name) for name in wanted} == wanted
        assert not {"set-cookie", "server"} & set(headers)
    assert "unsafe" not in CSP
    assert CSP.startswith("default-src 'none'")


@pytest.mark.parametrize("path", PAGES)
def test_head_and_nothing_but_reading(shop: Served, path: str) -> None:
    """HEAD answers as GET without the body; other methods get 405, or 404 where nothing is."""
    got = shop.client.get(path, headers=HTML)
    head = shop.client.head(path, headers=HTML)
    assert (head.status_code, head.content) == (got.status_code, b"")
    posted = shop.client.post(path, headers=HTML)
    assert posted.status_code == (404 if path in ("/nothing", "/a/b/c") else 405)


@pytest.mark.parametrize("host", ["evil.example", "evil.example/x?", "[::1]:1", "a b", ""])
@pytest.mark.parametrize("path", ["/", "/policies/", "/policies/web/", "/calendar", "/nothing"])
def test_the_host_that_was_asked_means_nothing(shop: Served, path: str, host: str) -> None:
    """No redirect and no link is made of it."""
    answer = shop.client.get(path, headers={**HTML, "Host": host}, follow_redirects=False)
    assert answer.status_code in (200, 307, 400, 404)
    assert answer.headers.get("location", "../policies") == "../policies"
    assert "evil" not in answer.text


def test_links_lead_somewhere(shop: Served) -> None:
    """Every address on every page answers, below whatever prefix: all of them are relative."""
    seen: set[str] = set()
    for path in PAGES[:-3]:
        page = look(shop, path)
        base = shop.client.base_url.join(path)
        for tag, name in (("a", "href"), ("link", "href"), ("script", "src"), ("form", "action")):
            seen |= {
                str(base.join(found[name]).copy_with(fragment=None)) for found in page.all(tag)
            }
    assert len(seen) > 15
    for url in seen:
        wanted = 422 if "script" in url and "why" in url else 200
        assert shop.client.get(url).status_code == wanted, url


def test_what_pages_load_is_kept_by_browsers(shop: Served) -> None:
    """Under a name that changes with its content; with the right type."""
    page = look(shop, "/")
    (style, icon), (script,) = page.all("link"), page.all("script")
    for url, kind in (
        (style["href"], "text/css"),
        (icon["href"], "image/svg+xml"),
        (script["src"], "text/javascript"),
    ):
        answer = shop.client.get(url)
        assert answer.headers["content-type"].startswith(kind)
        assert "immutable" in answer.headers["cache-control"]
        assert "?v=" in url
    for name in ("nothing.css", "..%2frender.py", "%2e%2e/templates/home.html"):
        assert shop.client.get(f"/static/{name}").status_code == 404


def test_the_order_of_the_page(shop: Served) -> None:
    """What matters at once comes first."""
    ids = [found["id"] for tag, found in look(shop, "/").elements if tag == "section"]
    assert ids == ["now", "facts", "open", "next", "last", "policies", "limits"]


def test_the_page_says_how_to_stop_it(shop: Served) -> None:
    """Both ways, ready to be copied."""
    words = look(shop, "/").words
    assert 'chaosd halt --reason "why"' in words
    assert 'kubectl annotate configmap chaosd-ledger -n chaosd chaosd.io/halt="why"' in words


def test_only_the_headline_is_read_out(shop: Served) -> None:
    """A screen reader is not told of every second that passes."""
    page = look(shop, "/")
    live = [found for _, found in page.elements if "aria-live" in found]
    assert [(found["id"], found["aria-live"]) for found in live] == [("headline", "polite")]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/why?target=web", 422, "names nothing"),
        ("/why?target=shop/web-nobody", 404, "there is no pod web-nobody"),
        ("/why?target=" + "x" * 601, 422, "600 characters"),
        ("/why?traget=shop/web", 422, "traget: expected a known parameter (target)"),
        ("/why?target=shop/Deployment/web&target=node/node-1", 422, "target: expected it once"),
        ("/why?target=", 200, "A workload, a pod, a node"),
        ("/why?target=shop/Deployment/nobody", 404, "there is no Deployment nobody"),
        ("/why?target=node/nobody", 404, "there is no node nobody"),
        ("/why?target=Etcd/nobody", 404, "no etcd cluster nobody is declared"),
        ("/policies/nobody", 404, "expected one of the policies web, slow"),
        ("/policies/%3Cscript%3E", 404, "<script>"),
        ("/calendar?policy=nobody", 404, "expected one of the policies web, slow"),
        ("/calendar?from=yesterday", 422, "from: expected a month"),
        ("/calendar?from=2026-13", 422, "A mistake in the address from: expected a month"),
        ("/calendar?from=2026-00", 422, "from: expected a month"),
        ("/calendar?from=2026-12%0A", 422, "from: expected a month"),
        ("/calendar?from=1970-12", 422, "from: expected a month"),
        ("/calendar?from=1971-01", 200, "A year of windows and kills"),
        ("/calendar?from=2198-12", 200, "A year of windows and kills"),
        ("/calendar?from=2199-01", 422, "from: expected a month"),
        ("/calendar?from=9999-12", 422, "from 1971-01 to 2198-12, such as 2026-12"),
        ("/calendar?from=&policy=", 200, "A year of windows and kills"),
        ("/calendar?form=2026-12", 422, "form: expected a known parameter (policy, from)"),
        ("/calendar?form=1&from=2", 422, "from: expected a month"),
        ("/calendar?policy=web&policy=slow", 422, "policy: expected it once"),
    ],
)
def test_what_is_not_there_is_said(shop: Served, path: str, status: int, words: str) -> None:
    """On a page of the same kind, with the status that it has."""
    answer = shop.client.get(path, headers=HTML)
    assert answer.status_code == status
    assert words in Page(answer.text).words


@pytest.mark.parametrize("path", ["/why?target=", "/calendar?policy=", "/policies/"])
def test_what_is_far_too_long_is_not_echoed(shop: Served, path: str) -> None:
    """A page stays small, whatever somebody asks."""
    answer = shop.client.get(path + "x" * 30_000, headers=HTML)
    assert answer.status_code in (404, 422)
    assert Page(answer.text).wrong == []
    assert len(answer.text) < 10_000


@pytest.mark.parametrize("name", ["policies", "calendar", "why"])
def test_a_slash_too_many_leads_back(shop: Served, name: str) -> None:
    """By a relative address, which holds behind any prefix and names no host."""
    evil = {**HTML, "Host": "evil.example"}
    answer = shop.client.get(f"/{name}/", headers=evil, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, f"../{name}")
    assert shop.client.get(f"/{name}/", headers=HTML, follow_redirects=True).status_code == 200


@pytest.mark.parametrize(("path", "leads"), [("", "v1/openapi.json"), ("/", "openapi.json")])
def test_the_prefix_leads_to_the_document(shop: Served, path: str, leads: str) -> None:
    """By a relative address, which holds behind any prefix and does not name the host asked."""
    answer = shop.client.get(f"/api/v1{path}", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.headers["location"]) == (307, leads)
    assert "evil" not in f"{answer.headers}{answer.text}"
    assert shop.client.get(f"/api/v1{path}", follow_redirects=True).json()["openapi"]


def test_until_when_kills_may_start(shop: Served) -> None:
    """A day before Christmas is named; without an end in sight, that is said."""
    words = look(shop, "/policies/web").words
    assert "Kills may start until Dec 23, 23:59 in" in words
    assert "Last start" not in words


def test_the_calendar_tells_its_days_in_words(shop: Served) -> None:
    """Closed at Christmas; every day of the twelve months has words, whatever its colour."""
    page = look(shop, "/calendar?from=2026-03")
    days = [found["title"] for found in page.all("td") if "title" in found]
    assert len(days) == 365
    assert sum(text.startswith("closed") for text in days) == 3
    assert any("kill" in text for text in days)


def test_the_calendar_has_the_kills_of_months_ago(tmp_path: Path) -> None:
    """Long after the ledger forgot what they were: how many there were, of all policies or of one;
    the API has the same."""
    with served(tmp_path) as found:
        found.ready()
        with found.site.cluster.edit("configmaps", NAMESPACE, "chaosd-ledger") as item:
            ledger = decode(item["data"]["ledger.json"])
            days = {date(2025, 11, 21): Tally({"web": 7, "gone": 2})}
            ledger = msgspec.structs.replace(ledger, days=days)
            item["data"]["ledger.json"] = encode(ledger)
        old = {"day": "2025-11-21", "kills": 9, "policies": {"gone": 2, "web": 7}}
        found.site.until(lambda: old in found.json("days")["days"], "the ledger is read again")
        assert found.json("days")["zone"] == "UTC"
        only = {"day": "2025-11-21", "kills": 7, "policies": {"web": 7}}
        assert only in found.json("days", policy="web")["days"]
        for query, words in (("", "9 kills"), ("&policy=web", "7 kills"), ("&policy=slow", "")):
            page = look(found, f"/calendar?from=2025-11{query}")
            month = [cell["title"] for cell in page.all("td") if "title" in cell][:30]
            assert [text for text in month if "kill" in text] == (
                [f"open all day, {words}"] if words else []
            )


def test_before_it_has_started(tmp_path: Path) -> None:
    """Every page is there, and says what is not known yet."""
    with served(tmp_path, started=False) as found:
        page = look(found, "/")
        assert page.wrong == []
        assert "Nothing can be killed now" in page.words
        assert "the ledger has not been read yet" in page.words
        for path in PAGES:
            assert look(found, path).wrong == []
        assert "Not surveyed by this process yet." in look(found, "/policies/web").words


def test_without_any_valid_configuration(tmp_path: Path) -> None:
    """What is wrong with the file stands on the page."""
    with served(tmp_path, "polices: []") as found:
        page = look(found, "/")
        assert page.wrong == []
        assert "polices" in page.words
        for path in PAGES:
            assert look(found, path).wrong == []
        assert found.client.get("/calendar", headers=HTML).status_code == 503


def test_a_configuration_that_became_invalid(tmp_path: Path) -> None:
    """All its mistakes are listed, and that nothing new is struck meanwhile."""
    with served(tmp_path) as found:
        found.ready()
        found.site.write(
            FILE.replace("every: 40s", "every: soon").replace("perDay: 2", "perDay: no")
        )
        found.site.until(lambda: found.json("status")["problems"])
        words = look(found, "/").words
        assert re.search(r"Nothing (new )?can be killed now", words)
        assert "configuration invalid" in words
        assert "soon" in words
        assert "limits.perDay" in words


def test_with_nothing_configured(tmp_path: Path) -> None:
    """No policies: said, and no page breaks."""
    empty = FILE[: FILE.index("policies:")] + "policies: []\n"
    with served(tmp_path, empty) as found:
        found.ready()
        for path in PAGES:
            assert look(found, path).wrong == []
        assert "there is no policy" in look(found, "/").words
        assert "No policy is configured." in look(found, "/policies").words


def test_a_large_configuration_makes_no_large_page(tmp_path: Path) -> None:
    """With 300 policies the first page stays small, and says where the others are."""
    head, policy = FILE.split("  - name: slow")[0].split("  - name: web")
    many = head + "".join(f"  - name: web-{n}{policy}" for n in range(300))
    with served(tmp_path, many, started=False) as found:
        text = found.html("/")
        assert len(text) < 60_000
        assert "and 288 more policies" in Page(text).words
