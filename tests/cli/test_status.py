"""``chaosd status``, over HTTP."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from chaosd.core.ledger import Halt, Ledger
from chaosd.sandbox import Rule
from tests.cli.shop import WEB, Shop, leading
from tests.support.waiting import PATIENCE


def test_a_namespace_in_which_no_chaosd_ever_started(shop: Shop) -> None:
    """It is not claimed that nothing can be killed: chaosd may run in another namespace."""
    shop.write(Ledger())
    answer = shop.say("status", "--namespace", "shop")
    assert (answer.code, answer.out) == (1, "")
    assert "chaosd has not started in namespace shop" in answer.err
    assert "--namespace" in answer.err


def test_every_halt_with_who_when_and_why(shop: Shop) -> None:
    """By command, by annotation, in the configuration, and of one policy."""
    at = shop.now
    pause = Halt("bob@desk", "noisy", at)
    shop.write(Ledger(halt=Halt("ann@laptop", "release", at), paused={"mean": pause}))
    shop.annotate("by kubectl")
    shop.file.write_text(shop.file.read_text() + "halted: true\n")
    found = shop.say("status", "--file", shop.file, "-o", "json").json
    assert [one["source"] for one in found["halts"]] == ["command", "annotation", "configuration"]
    assert (found["halts"][0]["who"], found["halts"][0]["why"]) == ("ann@laptop", "release")
    assert found["halts"][0]["since"] == f"{at:%Y-%m-%dT%H:%M:%SZ}"
    assert found["paused"][0]["who"] == "bob@desk"
    assert found["canKill"] is False
    text = shop.say("status", "--file", shop.file).out
    for words in ("ann@laptop", "release", "by kubectl", "halted: true", "bob@desk", "noisy"):
        assert words in text


def test_a_running_chaosd_that_may_kill(shop: Shop) -> None:
    """With the file it is known that a live policy is open; the leader is named."""
    with leading(shop):
        found = shop.say("status", "-f", shop.file, "-o", "json").json
    assert found["canKill"] is True
    assert found["leader"]["holder"] == "chaosd-0.test"
    assert {one["name"]: one["dryRun"] for one in found["policies"]} == {"web": False, "mean": True}


def test_members_of_etcd_are_not_looked_at(shop: Shop) -> None:
    """So nothing is claimed of a policy that kills them, and a mistyped pause is told."""
    text = shop.file.read_text()
    head, _ = text.split("policies:")
    shop.file.write_text(
        head
        + "etcd: [{name: main, endpoints: ['http://127.0.0.1:1']}]\n"
        + "policies: [{name: etcd, target: etcd, action: kill, clusters: [main],"
        + " schedule: {every: 1h}}]\n"
    )
    with leading(shop):
        assert shop.say("halt", "--policy", "nope", "--reason", "x").code == 0
        answer = shop.say("status", "-f", shop.file)
        found = shop.say("status", "-f", shop.file, "-o", "json").json
    assert answer.out.startswith(
        "UNKNOWN whether anything can be killed now: etcd: the members of etcd main are not"
    )
    assert "policy nope (NO POLICY OF THAT NAME)" in answer.out
    assert (found["canKill"], found["policies"][0]["against"]) == (None, [])
    assert found["paused"][0]["noSuchPolicy"] is True


def test_without_the_file_it_is_not_known(shop: Shop) -> None:
    """Windows and dry runs are in the configuration, so nothing is claimed."""
    with leading(shop):
        answer = shop.say("status")
    assert answer.out.startswith("UNKNOWN whether anything can be killed now")


def test_a_broken_file_says_what_is_wrong_and_the_rest(shop: Shop) -> None:
    """The ledger is shown all the same."""
    shop.write(shop.unrecovered())
    shop.file.write_text("dryRun: maybe\n")
    answer = shop.say("status", "-f", shop.file)
    assert answer.code == 0
    assert "line 1: dryRun" in answer.out
    assert f"chaosd forgive {WEB}" in answer.out


def test_a_damaged_ledger_is_said(shop: Shop) -> None:
    """With the command that repairs it."""
    shop.write("{ broken")
    answer = shop.say("status", "-f", shop.file)
    assert "ledger repair" in answer.out
    assert answer.out.startswith("NOTHING can be killed now")


def test_an_api_server_that_fails(shop: Shop) -> None:
    """Exit 1 and one line."""
    shop.server.api.faults.add(Rule(do="status", status=403, path="/leases"))
    answer = shop.say("status")
    assert answer.code == 1
    assert len(answer.err.strip().splitlines()) == 1


@pytest.mark.usefixtures("_hears_the_terminal")
def test_ctrl_c_ends_watching_quietly(shop: Shop) -> None:
    """Exit 130, and no traceback."""
    shop.write(Ledger())
    command = [sys.executable, "-m", "chaosd.cli.main", "status", "--watch", "-o", "json"]
    watching = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "KUBECONFIG": str(shop.kubeconfig), "PYTHONUNBUFFERED": "1"},
    )
    assert watching.stdout is not None
    assert watching.stdout.readline() == "{\n"
    watching.send_signal(signal.SIGINT)
    _, err = watching.communicate(timeout=PATIENCE)
    assert (watching.returncode, err) == (130, "")
