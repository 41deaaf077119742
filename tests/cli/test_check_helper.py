"""``chaosd check --cluster`` of a policy that needs the helper pod."""

from __future__ import annotations

from chaosd.sandbox import Denial, scenarios
from tests.cli.shop import Shop

CRASH = """
dryRun: false
seed: abc
windows: {allow: always}
helper: {namespace: chaosd-helper, image: "registry.example.com/chaosd:1.0"}
policies:
  - {name: crash, target: pod, action: crash, schedule: {every: 1h}}
"""


def test_it_says_what_needs_the_helper_and_what_is_missing(shop: Shop) -> None:
    """First the namespace, then nothing; the trial leaves no pod behind."""
    shop.file.write_text(CRASH)
    answer = shop.say("check", shop.file, "--cluster")
    assert answer.code == 0
    assert "Helper pods strike for crash: privileged" in answer.out
    assert "NO HELPER POD can be made" in answer.out
    assert "kubectl create namespace chaosd-helper" in answer.out
    scenarios.namespace(shop.cluster, "chaosd-helper")
    found = shop.say("check", shop.file, "--cluster", "-o", "json").json
    assert found["helper"][1] == "A helper pod could be made in namespace chaosd-helper now."
    assert shop.cluster.all("pods", "chaosd-helper") == []


def test_a_right_that_helper_pods_need(shop: Shop) -> None:
    """It is asked for in the helper's namespace alone."""
    shop.file.write_text(CRASH)
    scenarios.namespace(shop.cluster, "chaosd-helper")
    shop.server.api.access.deny(Denial("create", "", "pods", "chaosd-helper"))
    answer = shop.say("check", shop.file, "--cluster")
    assert answer.code == 1
    assert "missing: create pods, for helper pods" in answer.out
    assert "add to a Role in namespace chaosd-helper" in answer.out
