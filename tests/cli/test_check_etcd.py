"""``chaosd check --cluster`` of a declared etcd cluster."""

from __future__ import annotations

from pathlib import Path

from tests.cli.shop import Shop
from tests.etcd.stub import Stub, http

NOBODY = {"code": 3, "message": "etcdserver: user name is empty"}
WRONG = {"code": 3, "message": "etcdserver: authentication failed, invalid user ID or password"}


def declared(url: str, auth: str = "") -> str:
    return f"""
seed: abc
etcd: [{{name: main, endpoints: ["{url}"]{auth}}}]
policies:
  - {{name: kill, target: etcd, action: kill, clusters: [main], schedule: {{every: 1d}}}}
"""


def test_authentication_that_nobody_configured_is_told(shop: Shop) -> None:
    """In a sentence that says what to write, for people and for programs."""
    with Stub(http(NOBODY, 400)) as stub:
        shop.file.write_text(declared(stub.url))
        answer = shop.say("check", shop.file, "--cluster")
        found = shop.say("check", shop.file, "--cluster", "-o", "json").json
    words = "authentication is on: set auth.username and auth.passwordFile"
    assert answer.code == 0
    assert f"etcdUnreadable: etcd main: {stub.url}: {words}" in " ".join(answer.out.split())
    [cluster] = found["etcd"]
    assert cluster["cluster"] == "main"
    assert [one["detail"] for one in cluster["against"]] == [f"etcd main: {stub.url}: {words}"]


def test_a_wrong_password_is_told_and_not_shown(shop: Shop, tmp_path: Path) -> None:
    """It names the file, in which it can be mended."""
    (tmp_path / "password").write_text("hunter2")
    auth = f", auth: {{username: root, passwordFile: {tmp_path / 'password'}}}"
    with Stub(http(WRONG, 400)) as stub:
        shop.file.write_text(declared(stub.url, auth))
        answer = shop.say("check", shop.file, "--cluster")
    words = f"can't sign in as root: the name, or the password in {tmp_path / 'password'}, is wrong"
    assert words in " ".join(answer.out.split())
    assert "hunter2" not in answer.out + answer.err
