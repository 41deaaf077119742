"""Signing in: which credentials are used, and that none of them is ever shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chaosd.kube.signin import SignIn, SignInFailed

SECRET = "s3cr3t-t0k3n"


def kubeconfig(path: Path, **user: Any) -> str:
    content = {
        "clusters": [
            {"name": "one", "cluster": {"server": "http://127.0.0.1:1001"}},
            {"name": "two", "cluster": {"server": "http://127.0.0.1:1002/"}},
        ],
        "users": [{"name": "me", "user": user}],
        "contexts": [
            {"name": "first", "context": {"cluster": "one", "user": "me"}},
            {"name": "second", "context": {"cluster": "two", "user": "me"}},
        ],
        "current-context": "first",
    }
    path.write_text(json.dumps(content))
    return str(path)


def service_account(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "token").write_text(SECRET)
    (folder / "ca.crt").write_text("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")
    (folder / "namespace").write_text("chaosd\n")
    return folder


def signed(sign_in: SignIn) -> dict[str, str]:
    headers: dict[str, str] = {}
    sign_in.sign(sign_in.client(), headers)
    return headers


def test_a_kubeconfig_and_its_context(tmp_path: Path) -> None:
    """The current context is used unless another is named."""
    path = kubeconfig(tmp_path / "config", token=SECRET)
    one = SignIn(path, environ={})
    assert one.where() == f"http://127.0.0.1:1001 ({path})"
    assert signed(one) == {"authorization": f"Bearer {SECRET}"}
    assert not one.in_cluster
    two = SignIn(path, "second", environ={})
    assert two.where() == f"http://127.0.0.1:1002 ({path}, context second)"


def test_retries_of_the_official_client_are_off(tmp_path: Path) -> None:
    """With its default retries it would send a deletion again."""
    client = SignIn(kubeconfig(tmp_path / "config"), environ={}).client()
    assert client.configuration.retries is False
    assert client.rest_client.pool_manager.connection_pool_kw["retries"].total is False


def test_the_environment_may_name_the_kubeconfig(tmp_path: Path) -> None:
    """KUBECONFIG counts, also inside a pod: somebody set it on purpose."""
    path = kubeconfig(tmp_path / "config")
    environ = {"KUBECONFIG": path, "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    assert not SignIn(environ=environ).in_cluster
    assert "127.0.0.1:1001" in SignIn(environ=environ).where()


def test_a_pod_uses_its_service_account(tmp_path: Path) -> None:
    """Inside a cluster the mounted token is the way in, and it is read again when it rotates."""
    folder = service_account(tmp_path / "account")
    environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    one = SignIn(environ=environ, service_account=folder)
    assert one.in_cluster
    assert one.where() == "https://10.0.0.1:443 (service account)"
    assert one.namespace() == "chaosd"
    assert signed(one) == {"authorization": f"bearer {SECRET}"}


def test_outside_a_cluster_there_is_no_namespace(tmp_path: Path) -> None:
    """A laptop has no service account."""
    assert SignIn(environ={}, service_account=tmp_path).namespace() is None


def test_after_a_doubt_it_signs_in_afresh(tmp_path: Path) -> None:
    """A refused token is read again, but not for every request."""
    path = tmp_path / "config"
    kubeconfig(path, token="old")
    now = [100.0]
    one = SignIn(str(path), environ={}, monotonic=lambda: now[0])
    first = one.client()
    kubeconfig(path, token=SECRET)
    one.doubt()
    assert one.client() is first
    now[0] += 31
    assert one.client() is not first
    assert signed(one) == {"authorization": f"Bearer {SECRET}"}
    second = one.client()
    now[0] += 31
    assert one.client() is second


BROKEN = {
    "no YAML": f"users: [{{user: {{token: {SECRET}\n  - x: [",
    "not a mapping": f"[{SECRET}]",
    "text": SECRET,
    "empty": "",
    "a user without a user": json.dumps(
        {
            "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
            "users": [{"name": "me", "token": SECRET}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "me"}}],
            "current-context": "x",
        }
    ),
    "no such context": json.dumps(
        {"clusters": [], "users": [{"name": SECRET}], "contexts": [], "current-context": "x"}
    ),
    "certificates that are none": json.dumps(
        {
            "clusters": [
                {
                    "name": "c",
                    "cluster": {
                        "server": "https://127.0.0.1:1",
                        "certificate-authority-data": f"{SECRET}!",
                    },
                }
            ],
            "users": [{"name": "me", "user": {"token": SECRET}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "me"}}],
            "current-context": "x",
        }
    ),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_kubeconfig_is_told_without_its_secrets(tmp_path: Path, content: str) -> None:
    """The message names the file, and quotes nothing of it."""
    path = tmp_path / "config"
    path.write_text(content)
    one = SignIn(str(path), environ={})
    with pytest.raises(SignInFailed) as failed:
        signed(one)
    assert str(path) in str(failed.value)
    assert SECRET not in str(failed.value)
    assert failed.value.__cause__ is None


def test_a_token_with_a_line_break_is_refused(tmp_path: Path) -> None:
    """http.client would quote it in its error."""
    one = SignIn(kubeconfig(tmp_path / "config", token=f"{SECRET}\nx"), environ={})
    with pytest.raises(SignInFailed, match="line break") as failed:
        signed(one)
    assert SECRET not in str(failed.value)


def test_without_any_cluster_it_says_what_to_do(tmp_path: Path) -> None:
    """The first thing that a newcomer may see is a sentence, not a traceback."""
    if Path("~/.kube/config").expanduser().exists():
        pytest.skip("there is a kubeconfig at home")
    with pytest.raises(SignInFailed, match="set KUBECONFIG") as failed:
        SignIn(environ={}).client()
    assert "no cluster to talk to" in str(failed.value)


def test_a_kubeconfig_that_is_not_there(tmp_path: Path) -> None:
    """The name that was given is said, not what could have been given instead."""
    with pytest.raises(SignInFailed, match=r"there is no kubeconfig .*/nothing$"):
        SignIn(str(tmp_path / "nothing"), environ={}).client()


def test_a_folder_is_no_kubeconfig(tmp_path: Path) -> None:
    """The file system's words, and the name."""
    with pytest.raises(SignInFailed, match=f"{tmp_path}: Is a directory"):
        SignIn(str(tmp_path), environ={}).client()


def test_a_context_that_is_not_there(tmp_path: Path) -> None:
    """The ones that are there are named: a typo is seen at once."""
    path = kubeconfig(tmp_path / "config")
    with pytest.raises(SignInFailed, match=r"no context third in it \(it has first, second\)$"):
        SignIn(path, "third", environ={}).client()


def test_no_current_context(tmp_path: Path) -> None:
    """How to choose one, and from which."""
    path = Path(kubeconfig(tmp_path / "config"))
    path.write_text(json.dumps({**json.loads(path.read_text()), "current-context": ""}))
    with pytest.raises(SignInFailed, match=r"name one with --context \(it has first, second\)$"):
        SignIn(str(path), environ={}).client()
    assert "127.0.0.1:1002" in SignIn(str(path), "second", environ={}).where()


def test_a_user_that_is_not_there(tmp_path: Path) -> None:
    """The official client would go on as nobody, and be refused as system:anonymous."""
    path = Path(kubeconfig(tmp_path / "config"))
    path.write_text(json.dumps({**json.loads(path.read_text()), "users": []}))
    with pytest.raises(SignInFailed, match="context first names the user me, who is not in it"):
        SignIn(str(path), environ={}).client()


def plugin(command: str, *args: str) -> dict[str, Any]:
    version = "client.authentication.k8s.io/v1"
    return {"apiVersion": version, "command": command, "args": list(args)}


def printing(text: str, code: int = 0) -> dict[str, Any]:
    """A plugin that prints this."""
    return plugin("sh", "-c", f"printf '%s' '{text}'; exit {code}")


def test_an_exec_plugin_signs_in(tmp_path: Path) -> None:
    """Its token is the one that is sent."""
    version = "client.authentication.k8s.io/v1"
    said = {"apiVersion": version, "kind": "ExecCredential", "status": {"token": SECRET}}
    path = kubeconfig(tmp_path / "config", exec=printing(json.dumps(said)))
    assert signed(SignIn(path, environ={})) == {"authorization": f"Bearer {SECRET}"}


@pytest.mark.parametrize(
    ("user", "words"),
    [
        (plugin("/nonexistent/plugin"), "No such file or directory: '/nonexistent/plugin'"),
        (plugin("sh", "-c", "echo 'log in first' >&2; exit 3"), "process returned 3. log in first"),
        (printing("no JSON"), "failed to decode process output"),
        (printing("{}"), "missing key 'apiVersion'"),
        ({"command": "sh"}, "missing key 'apiVersion'"),
    ],
    ids=["missing", "failing", "no JSON", "no credential", "no version"],
)
def test_an_exec_plugin_that_fails_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, user: dict[str, Any], words: str
) -> None:
    """The official client logs it and goes on as nobody; here it is why there is no way in."""
    path = kubeconfig(tmp_path / "config", exec=user)
    with pytest.raises(SignInFailed, match="getting credentials failed") as failed:
        SignIn(path, environ={}).client()
    assert words in str(failed.value)
    assert path in str(failed.value)
    assert caplog.text == ""


def test_a_pod_without_a_token_is_told_so(tmp_path: Path) -> None:
    """automountServiceAccountToken: false is a common reason."""
    environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    with pytest.raises(SignInFailed, match="token file does not exist"):
        SignIn(environ=environ, service_account=tmp_path).client()
