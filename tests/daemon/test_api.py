"""``/api/v1`` over real HTTP, of a daemon on a simulated cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import msgspec
import pytest
import schemathesis
from hypothesis import assume, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from chaosd.core.ledger import Halt
from chaosd.core.transitions import halt
from chaosd.daemon.api import ENDPOINTS, Endpoint
from chaosd.daemon.gate import Gate
from chaosd.engine.book import Book
from chaosd.sandbox import Faults, Rule
from tests.cli.support import ROOT, chaosd
from tests.daemon.served import FILE, Served, served

NAMES = [one.name for one in ENDPOINTS]
PROBLEM = "application/problem+json"
EXPLAINED = {"target": "shop/Deployment/web"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A daemon that has killed as often as it may, and surveyed."""
    with served(tmp_path_factory.mktemp("shop")) as found:
        found.ready()
        found.site.until(lambda: len(found.json("kills")["kills"]) == 2, "two kills")
        found.site.until(lambda: not found.json("plan")["unknown"], "a survey")
        found.site.until(lambda: not found.json("status")["openIntents"], "all recovered")
        yield found


def problem(answer: httpx.Response, status: int) -> Any:
    """The problem that an answer is."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM), answer.text
    found = answer.json()
    assert found["status"] == status
    return found


# ---- the document, and what holds for every endpoint


def test_the_document_is_what_openapi_wants(shop: Served) -> None:
    """Version 3.1; each endpoint with its answers, and nothing refers to what is not there."""
    document = shop.json("openapi.json")
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {f"/{name}" for name in NAMES}
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    schemathesis.openapi.from_dict(document).validate()


ASKED = [one.name for one in ENDPOINTS if msgspec.structs.fields(one.query)]
# What a schema can't say: that a policy or a workload has to be there, that a range has an order.
STRICTER = ("windows", "explain")


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        *((name, GenerationMode.POSITIVE) for name in NAMES),
        *((name, GenerationMode.NEGATIVE) for name in ASKED),
    ],
)
def test_every_answer_is_as_the_document_says(
    shop: Served, name: str, mode: GenerationMode
) -> None:
    """Whatever is asked, by the rules or against them: an answer that it documents."""
    schema = schemathesis.openapi.from_dict(shop.json("openapi.json"))
    asking = schema[f"/{name}"]["GET"].as_strategy(generation_mode=mode)
    base = f"{shop.address}/api/v1"
    left_out = [positive_data_acceptance] if name in STRICTER else []

    @given(case=asking)
    @settings(max_examples=6)
    def check(case: Any) -> None:
        # What an URL can't carry arrives as something else, or not at all.
        assume(not any(one is None or isinstance(one, list | dict) for one in case.query.values()))
        answer = case.call(base_url=base, timeout=60)
        case.validate_response(answer, excluded_checks=left_out)

    check()


@pytest.mark.parametrize("one", ENDPOINTS, ids=NAMES)
def test_the_docs_name_every_endpoint_and_parameter(one: Endpoint) -> None:
    """In the table of docs/status-page.md."""
    rows = (ROOT / "docs" / "status-page.md").read_text().splitlines()
    row = next(line for line in rows if line.startswith(f"| `{one.name}` |"))
    named = set(re.findall(r"`(\w+)`", row.split("|")[2]))
    assert named == {field.encode_name for field in msgspec.structs.fields(one.query)}


@pytest.mark.parametrize("name", NAMES)
def test_head_answers_as_get_without_the_body(shop: Served, name: str) -> None:
    """And with its headers."""
    query = EXPLAINED if name == "explain" else {}
    answer = shop.client.head(f"/api/v1/{name}", params=query)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("name", NAMES)
def test_reading_only(shop: Served, name: str, method: str) -> None:
    """Nothing can be changed over HTTP; the problem says so."""
    answer = shop.client.request(method, f"/api/v1/{name}")
    assert "read-only" in problem(answer, 405)["detail"]
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize("path", ["/nothing", "/status/", "/kills/x", "/..%2fmetrics"])
def test_no_such_endpoint(shop: Served, path: str) -> None:
    """404, and where the document is."""
    answer = shop.client.get(f"/api/v1{path}", headers={"Host": "evil.example"})
    assert "openapi.json" in problem(answer, 404)["detail"]
    assert "evil" not in f"{answer.headers}{answer.text}"


# ---- bad input


@pytest.mark.parametrize(
    ("name", "query", "wrong"),
    [
        ("kills", "limit=0&result=died&verdict=", ["limit", "result", "verdict"]),
        ("kills", "limit=1001&nonsense=1&policy=" + "x" * 64, ["limit", "nonsense", "policy"]),
        ("kills", "limit=2&limit=3", ["limit"]),
        ("plan", "days=32&limit=many", ["days", "limit"]),
        ("plan", "days=1.5", ["days"]),
        ("windows", "from=yesterday&until=2026-03-04T10:00:00", ["from", "until"]),
        ("windows", "policy=nobody&from=yesterday&until=x", ["from", "policy", "until"]),
        ("windows", "policy=nobody&nonsense=1", ["nonsense", "policy"]),
        ("windows", "policy=nobody&policy=web&from=x", ["from", "policy"]),
        ("windows", "policy=web&from=x", ["from"]),
        ("windows", "policy=nobody&from=0001-01-01T00:00:00Z", ["from", "policy"]),
        ("windows", "from=2026-03-04T10:00:00Z&until=2026-03-04T10:00:00Z", ["until"]),
        ("windows", "until=2028-03-04T10:00:00Z&from=2026-03-04T10:00:00Z", ["until"]),
        ("status", "verbose=1", ["verbose"]),
        ("explain", "", ["target"]),
        ("explain", "target=web", ["target"]),
        ("explain", "target=..%2F..%2Fsecrets", ["target"]),
    ],
)
def test_every_mistake_at_once(shop: Served, name: str, query: str, wrong: list[str]) -> None:
    """Each with what was expected."""
    found = problem(shop.client.get(f"/api/v1/{name}?{query}"), 422)
    assert sorted(one["parameter"] for one in found["mistakes"]) == wrong
    assert all(one["expected"] and len(one["given"]) <= 200 for one in found["mistakes"])
    assert found["detail"]


# ---- the answers


def test_the_status_is_that_of_the_command(shop: Served) -> None:
    """The same keys, and the same facts, as ``chaosd status --output json``."""
    told = chaosd(
        "status", "--kubeconfig", shop.site.kubeconfig, "-f", shop.site.file, "-o", "json"
    ).json
    served_ = shop.json("status")
    assert set(told) == set(served_)
    same = ("cluster", "halts", "paused", "openIntents", "unrecovered", "nodesHeld", "limits")
    assert {key: told[key] for key in same} == {key: served_[key] for key in same}
    assert [one["intent"] for one in told["outcomes"]] == [
        one["intent"] for one in served_["outcomes"]
    ]


def test_the_kills_with_how_long_they_took(shop: Served) -> None:
    """Newest first; filters and the limit are kept to."""
    found = shop.json("kills")
    times = [one["at"] for one in found["kills"]]
    assert times == sorted(times, reverse=True)
    assert all(one["seconds"] > 0 for one in found["kills"] if one["verdict"] == "recovered")
    assert {one["victim"].split("-")[0] for one in found["kills"]} <= {"shop/web", "shop/cart"}
    assert shop.json("kills", limit=1)["kills"] == found["kills"][:1]
    assert shop.json("kills", policy="slow")["total"] == 0
    assert shop.json("kills", policy="web", result="killed")["total"] == 2


def test_the_plan_is_that_of_the_command(shop: Served) -> None:
    """The same kills as ``chaosd plan``, as far as both look."""
    found = shop.json("plan", days=5, limit=1000)
    assert found["unknown"] == {}
    command = chaosd(
        *("plan", str(shop.site.file), "--kubeconfig", shop.site.kubeconfig, "-o", "json"),
        *("--days", "5", "--from", found["now"]),
    )
    told = [(one["time"], one["policy"], one["workload"]) for one in command.json]
    until = datetime.fromisoformat(found["until"])
    within = [one for one in told if datetime.fromisoformat(one[0]) <= until]
    assert [(k["time"], k["policy"], k["workload"]) for k in found["kills"]] == within
    assert found["kills"]


def test_windows_over_a_range(shop: Served) -> None:
    """Closed from the 24th of December to the 26th, for that policy too."""
    found = shop.json(
        "windows", policy="web", **{"from": "2026-12-01T00:00:00Z", "until": "2026-12-31T00:00:00Z"}
    )
    (web,) = found["policies"]
    assert [(one["from"], one["until"]) for one in web["intervals"]] == [
        ("2026-12-01T00:00:00Z", "2026-12-24T00:00:00Z"),
        ("2026-12-27T00:00:00Z", "2026-12-31T00:00:00Z"),
    ]
    usual = shop.json("windows")
    begin, end = (datetime.fromisoformat(usual[key]) for key in ("from", "until"))
    assert end - begin == timedelta(days=31)


def test_policies_with_their_funnel(shop: Served) -> None:
    """Of the newest survey: what is eligible, and what is not, by reason."""
    found = {one["name"]: one for one in shop.json("policies")["policies"]}
    assert found["slow"]["candidates"]["badAnnotation"] == 1
    assert found["web"]["lastAttempt"]["result"] in ("killed", "skipped")


@pytest.mark.parametrize("target", ["shop/Deployment/web", "Deployment/web", "node/node-1"])
def test_an_explanation_is_that_of_the_command(shop: Served, target: str) -> None:
    """The same policies, workloads and pods with the same codes."""
    told = chaosd(
        *("explain", target, "--kubeconfig", shop.site.kubeconfig, "-f", shop.site.file),
        *("-o", "json"),
    ).json

    def codes(answer: Any) -> Any:
        return answer["target"], [
            (
                one["policy"],
                [
                    (w["workload"], [r["code"] for r in w["reasons"]], len(w["pods"]))
                    for w in one["workloads"]
                ],
            )
            for one in answer["policies"]
        ]

    assert codes(shop.json("explain", target=target)) == codes(told)


@pytest.mark.parametrize("one", ["shop/web-", "shop/Deployment/", "node/", "Etcd/"])
def test_what_is_not_there(shop: Served, one: str) -> None:
    """404, and what is missing."""
    answer = shop.get("/api/v1/explain", target=f"{one}nobody")
    assert re.match("(there is )?no .*nobody", problem(answer, 404)["detail"])


def test_questions_that_cost_requests_are_bounded(tmp_path: Path) -> None:
    """One at a time (503), so many a minute (429), with when to come again; nobody waits, and the
    API server is not asked."""
    gate = Gate(lambda: 0.0, most=1)
    with served(tmp_path, started=False, gate=gate) as found:
        before = found.daemon.total("chaosd_api_requests_total")
        with gate.passed():
            busy = found.get("/api/v1/explain", **EXPLAINED)
        often = found.get("/api/v1/explain", **EXPLAINED)
        assert found.daemon.total("chaosd_api_requests_total") == before
    assert "another question" in problem(busy, 503)["detail"]
    assert "try again" in problem(often, 429)["detail"]
    assert (busy.headers["retry-after"], often.headers["retry-after"]) == ("1", "61")


# ---- when things are not well


def test_before_it_has_started(tmp_path: Path) -> None:
    """What needs the ledger says that it has not been read; the status says it too."""
    with served(tmp_path, started=False) as found:
        for name in ("kills", "plan"):
            answer = found.get(f"/api/v1/{name}")
            assert "has not been read yet" in problem(answer, 503)["detail"]
        assert found.json("status")["canKill"] is False
        assert found.json("policies")["policies"][0]["candidates"] == {}
        assert found.json("windows")["policies"]


def test_without_any_valid_configuration(tmp_path: Path) -> None:
    """There are no policies to speak of; what was wrong with the file stands in the status."""
    with served(tmp_path, "polices: []", started=False) as found:
        for name in ("plan", "windows", "policies", "explain?target=a/B/c"):
            problem(found.get(f"/api/v1/{name}"), 503)
        assert found.json("status")["problems"]


def test_with_nothing_configured(tmp_path: Path) -> None:
    """No policies: every list is empty, and the status says why nothing happens."""
    empty = FILE[: FILE.index("policies:")] + "policies: []\n"
    with served(tmp_path, empty) as found:
        found.ready()
        assert found.json("status")["because"] == ["there is no policy"]
        assert found.json("plan")["kills"] == found.json("windows")["policies"] == []
        assert found.json("explain", target="shop/Deployment/web")["policies"] == []
        problem(found.get("/api/v1/windows", policy="web"), 422)


def test_an_api_server_that_fails(tmp_path: Path) -> None:
    """An explanation says what could not be read, and the rest goes on being served."""
    faults = Faults([Rule("status", verbs=("list", "get"), path="/deployments", status=500)])
    with served(tmp_path, faults=faults) as found:
        found.ready()
        answer = found.json("explain", **EXPLAINED)
        assert all("500" in one["unread"] for one in answer["policies"])
        assert (
            "500" in problem(found.get("/api/v1/explain", target="Deployment/web"), 502)["detail"]
        )
        assert found.json("kills")["total"] == 0


def test_a_ledger_that_is_gone(tmp_path: Path) -> None:
    """What needs it says so, with the way out; nothing of it is made up."""
    with served(tmp_path) as found:
        found.ready()
        found.site.cluster.remove("configmaps", "chaosd", "chaosd-ledger")
        found.site.until(lambda: found.get("/readyz").status_code == 503)
        assert "ledger is gone" in problem(found.get("/api/v1/kills"), 503)["detail"]
        assert "ledger is gone" in found.json("status")["ledgerProblem"]


def test_a_halt_shows_at_once(tmp_path: Path) -> None:
    """With who and why, whatever stands in it."""
    why = "<script>alert(3)</script>"
    with served(tmp_path) as found:
        found.ready()
        given_ = Halt("eve", why, found.daemon.context.clock.now())
        Book(found.daemon.connection.ledger).change(lambda ledger: halt(ledger, given_))
        found.site.until(lambda: found.json("status")["halts"])
        assert found.json("status")["halts"][0]["why"] == why
        page = found.html("/")
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(3)&lt;/script&gt;" in page
        assert re.search(r"Nothing (new )?can be killed now", page)
