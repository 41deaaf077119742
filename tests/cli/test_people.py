"""Who gave a command, and when by the server's clock."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from chaosd.cli.people import who
from chaosd.core.ledger import Ledger
from tests.cli.shop import Shop


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
