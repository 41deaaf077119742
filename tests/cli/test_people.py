"""Who gave a command, and when by the server's clock."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from chaosd.cli.people import who
from chaosd.core.ledger import LastKill, Ledger, workload_hash
from tests.cli.shop import WEB, Shop


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"USER": "ann", "HOSTNAME": "laptop"}, "ann@laptop"),
        (
            {"USER": "root", "HOSTNAME": "chaosd-0", "KUBERNETES_SERVICE_HOST": "10.0.0.1"},
            "pod chaosd-0",
        ),
    ],
)
def test_who(environ: dict[str, str], name: str) -> None:
    """A person on a machine, or a pod."""
    assert who(environ) == name


@pytest.mark.parametrize("ahead", [timedelta(hours=2), timedelta(hours=-2)])
def test_a_wrong_clock_of_the_machine_does_not_matter(tmp_path: Path, ahead: timedelta) -> None:
    """What is written down is in the server's time, and the difference is said."""
    shop = Shop(tmp_path, ahead)
    with shop.server:
        shop.server.kubeconfig(shop.kubeconfig)
        shop.write(Ledger())
        answer = shop.say("halt", "--reason", "release")
        halt = shop.ledger().halt
        assert answer.code == 0
        assert halt is not None
        assert abs((halt.at - shop.now).total_seconds()) < 10
        assert "s off the API server's" in answer.err


def test_explanations_are_of_the_servers_time(tmp_path: Path) -> None:
    """A cooldown that is over there is over, though this machine is two hours behind."""
    shop = Shop(tmp_path, timedelta(hours=2))
    with shop.server:
        shop.server.kubeconfig(shop.kubeconfig)
        struck = LastKill(int((shop.now - timedelta(minutes=90)).timestamp()), 5)
        shop.write(Ledger(last_kills={workload_hash(WEB): struck}))
        answer = shop.say("explain", WEB, "--file", shop.file, "--output", "json")
        assert answer.code == 0
        assert "cooldown" not in answer.out
        assert answer.err.count("s off the API server's") == 1
