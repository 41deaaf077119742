"""Commands and a cluster that can't be had: a few clear words and exit 1, never a traceback."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from chaosd.cli.failures import in_words
from chaosd.ports import CallFailed, Forbidden, NotSent, ServerFault, Unanswered
from chaosd.sandbox import Rule
from chaosd.sandbox.kubeconfig import write_kubeconfig
from tests.cli.shop import FILE, Shop
from tests.cli.support import Answer, chaosd, config

COMMANDS = (
    "check FILE --cluster",
    "status",
    "explain -f FILE",
    "halt --reason release --timeout 1",
    "resume",
    "attempt web",
    "forgive shop/Deployment/web",
    "ledger show",
)


def say(command: str, kubeconfig: Path, *more: str) -> Answer:
    """Give one of COMMANDS; FILE is chaosd.yaml beside the kubeconfig."""
    file = config(kubeconfig.parent, FILE.replace("seed: abc\n", ""))
    words = [str(file) if word == "FILE" else word for word in command.split()]
    return chaosd(*words, *more, "--kubeconfig", kubeconfig)


def edited(path: Path, **changes: Any) -> Path:
    """A kubeconfig for nobody's address, with other top-level keys."""
    content = json.loads(write_kubeconfig(path, "http://127.0.0.1:1", token="x").read_text())
    path.write_text(json.dumps({**content, **changes}))
    return path


def missing(folder: Path) -> Path:
    return folder / "nothing"


def no_yaml(folder: Path) -> Path:
    path = folder / "kubeconfig"
    path.write_text("users: [{user: {token: s3cr3t\n  - x: [")
    return path


def no_such_context(folder: Path) -> Path:
    return edited(folder / "kubeconfig", **{"current-context": "elsewhere"})


def no_such_plugin(folder: Path) -> Path:
    version = "client.authentication.k8s.io/v1"
    user = {"exec": {"apiVersion": version, "command": "/nonexistent/plugin"}}
    content = json.loads(edited(folder / "kubeconfig").read_text())
    return edited(folder / "kubeconfig", users=[{**content["users"][0], "user": user}])


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (missing, "there is no kubeconfig"),
        (no_yaml, "not valid YAML at line 2"),
        (no_such_context, "there is no context elsewhere in it"),
        (no_such_plugin, "No such file or directory: '/nonexistent/plugin'"),
    ],
)
def test_a_kubeconfig_that_is_of_no_use(
    tmp_path: Path, command: str, make: Any, words: str
) -> None:
    """One line that names the file and what is wrong with it."""
    answer = say(command, make(tmp_path))
    assert (answer.code, answer.out) == (1, "")
    [line] = answer.err.splitlines()
    assert words in line
    assert "s3cr3t" not in line


def test_nobody_answers(tmp_path: Path) -> None:
    """The address that refuses is named, to who looks and to who acts."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", f"http://127.0.0.1:{port}")
    for command in ("status", "halt --reason release --timeout 1"):
        answer = say(command, kubeconfig)
        assert answer.code == 1, (command, answer)
        last = answer.err.splitlines()[-1]
        assert f"the API server at http://127.0.0.1:{port}: Connection refused" in last, command


@pytest.mark.parametrize("command", COMMANDS)
def test_credentials_that_are_refused(shop: Shop, command: str) -> None:
    """A token that has expired is no lack of a right, and is called what it is."""
    shop.server.api.access.token = "another by now"
    write_kubeconfig(shop.kubeconfig, shop.server.url, token="expired")
    answer = say(command, shop.kubeconfig)
    assert answer.code == 1
    assert "does not accept the credentials (401 Unauthorized)" in answer.err + answer.out


def test_something_else_than_an_api_server(shop: Shop) -> None:
    """What is no answer of an API server is quoted, and nothing is concluded from it."""
    shop.server.api.faults.add(Rule(do="status", status=405))
    answer = say("status", shop.kubeconfig)
    assert answer.code == 1
    assert "the API server answered 405" in answer.err


def test_a_server_that_is_too_old(shop: Shop) -> None:
    """Said before any permission is asked for, since none would help."""
    shop.server.api.faults.add(Rule(do="status", status=404, path="^/apis/policy/v1"))
    answer = say("check FILE --cluster", shop.kubeconfig)
    assert (answer.code, answer.out) == (1, "")
    assert "does not offer PodDisruptionBudgets of policy/v1 (it is v1.36.3)" in answer.err
    assert "chaosd needs Kubernetes 1.22 or newer" in answer.err


@pytest.mark.parametrize(
    ("error", "looking", "words"),
    [
        (Unanswered("no answer"), True, "no answer"),
        (Unanswered("no answer"), False, "nobody knows whether it was done: no answer; look"),
        (ServerFault(503, "", "down"), True, "the API server answered 503: down"),
        (ServerFault(503, "", "down"), False, "nobody knows whether it was done: 503: down; look"),
        (NotSent("refused"), False, "the API server can't be reached: refused"),
        (Forbidden(403, "Forbidden", "not you"), True, "the API server does not allow it: not you"),
    ],
)
def test_words(error: CallFailed, looking: bool, words: str) -> None:
    """Who only looked need not wonder whether anything was done."""
    assert in_words(error, looking=looking).startswith(words)
