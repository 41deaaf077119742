"""Signing in to the API server with the official client, as a pod or by a kubeconfig.

Importing the official client takes about 0.2 s of CPU and 35 MB, so it happens at the first
request. Its messages may quote a kubeconfig with its tokens: none is passed on unseen.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_AFRESH_AFTER = 30.0
_LONGEST_WORDS = 300
_LOG = logging.getLogger(__name__)


class SignInFailed(Exception):
    """There is no cluster to talk to, or no usable credentials; the message holds no secret."""


class SignIn:
    """Where the API server is, and who we are there. Threads may share it.

    With ``kubeconfig`` or ``context`` (or ``KUBECONFIG`` in ``environ``) that kubeconfig is used;
    otherwise the service account when this is a pod; otherwise ``~/.kube/config``.
    ``service_account`` is the folder with ``token``, ``ca.crt`` and ``namespace``; ``monotonic``
    a clock in seconds.
    """

    def __init__(
        self,
        kubeconfig: str | None = None,
        context: str | None = None,
        environ: Mapping[str, str] = os.environ,
        service_account: Path = SERVICE_ACCOUNT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kubeconfig = kubeconfig or environ.get("KUBECONFIG", "")
        self._context = context
        self._environ = environ
        self._service_account = service_account
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._client: Any = None
        self._signed_in_at = 0.0
        self._doubted = False

    @property
    def in_cluster(self) -> bool:
        """Whether the pod's own service account is used."""
        return (
            not self._kubeconfig
            and not self._context
            and bool(self._environ.get("KUBERNETES_SERVICE_HOST"))
        )

    def namespace(self) -> str | None:
        """The namespace of the pod that this process runs in; None outside a cluster."""
        try:
            return (self._service_account / "namespace").read_text().strip() or None
        except OSError:
            return None

    def where(self) -> str:
        """For people: the address, and how it was found. Raises SignInFailed."""
        how = "service account" if self.in_cluster else self._file()
        context = f", context {self._context}" if self._context else ""
        return f"{self.client().configuration.host} ({how}{context})"

    def client(self) -> Any:
        """The official ApiClient, made at the first call and again after a doubt.

        Raises SignInFailed.
        """
        with self._lock:
            fresh = self._monotonic() - self._signed_in_at < _AFRESH_AFTER
            if self._client is None or (self._doubted and not fresh):
                self._client = self._make_client()
                self._signed_in_at = self._monotonic()
                self._doubted = False
            return self._client

    def sign(self, client: Any, headers: dict[str, str]) -> None:
        """Add the credentials of this moment to ``headers``; raises SignInFailed."""
        try:
            client.update_params_for_auth(headers, [], ["BearerToken"], "", "", None)
        except _failures() as error:
            raise SignInFailed(f"can't refresh the credentials: {_harmless(error)}") from None
        if any("\n" in text or "\r" in text for text in headers.values()):
            raise SignInFailed("the credentials hold a line break: look at the token file")

    def doubt(self) -> None:
        """The credentials were refused: sign in afresh when the last time is long enough ago."""
        with self._lock:
            self._doubted = True

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None

    def _file(self) -> str:
        return self._kubeconfig or "~/.kube/config"

    def _make_client(self) -> Any:
        from kubernetes.client.api_client import ApiClient  # noqa: PLC0415
        from kubernetes.client.configuration import Configuration  # noqa: PLC0415

        configuration = Configuration()
        configuration.retries = False
        try:
            if self.in_cluster:
                self._load_service_account(configuration)
            else:
                self._load_kubeconfig(configuration)
            return ApiClient(configuration)
        except _failures() as error:
            raise self._explain(error) from None

    def _load_service_account(self, configuration: Any) -> None:
        from kubernetes.config.incluster_config import InClusterConfigLoader  # noqa: PLC0415

        InClusterConfigLoader(
            token_filename=str(self._service_account / "token"),
            cert_filename=str(self._service_account / "ca.crt"),
            environ=self._environ,
        ).load_and_set(configuration)

    def _load_kubeconfig(self, configuration: Any) -> None:
        from kubernetes.config.kube_config import (  # noqa: PLC0415
            KubeConfigLoader,
            KubeConfigMerger,
        )

        paths = [Path(part).expanduser() for part in self._file().split(os.pathsep) if part]
        if not any(path.exists() for path in paths):
            raise FileNotFoundError(self._file())
        merged = KubeConfigMerger(self._file()).config
        self._look(merged.value)
        loader = KubeConfigLoader(config_dict=merged, active_context=self._context)
        with _overheard() as said:
            loader.load_and_set(configuration)
        # The client only logs that a plugin or a refresh failed, and goes on as nobody.
        if said and not configuration.api_key and not configuration.cert_file:
            words = " ".join("; ".join(said).split())[:_LONGEST_WORDS]
            raise self._unusable(f"getting credentials failed: {words}")
        for words in said:
            _LOG.warning(words)

    def _look(self, content: Mapping[str, Any]) -> None:
        """Refuse a kubeconfig whose context, or its user, is not there: the client takes a missing
        user for nobody."""
        contexts, users = (_names(content[key]) for key in ("contexts", "users"))
        name = self._context or content.get("current-context")
        there = f"it has {', '.join(contexts)}" if contexts else "it has none"
        if not name:
            raise self._unusable(f"it has no current-context: name one with --context ({there})")
        if name not in contexts:
            raise self._unusable(f"there is no context {name} in it ({there})")
        user = (contexts[name].get("context") or {}).get("user")
        if user and user not in users:
            raise self._unusable(f"its context {name} names the user {user}, who is not in it")

    def _explain(self, error: Exception) -> SignInFailed:
        if self.in_cluster:
            return SignInFailed(f"can't sign in with the pod's service account: {_harmless(error)}")
        if not isinstance(error, FileNotFoundError) or error.filename:
            return self._unusable(_harmless(error))
        if self._kubeconfig:
            return SignInFailed(f"no cluster to talk to: there is no kubeconfig {self._file()}")
        return SignInFailed(
            "no cluster to talk to: this is no pod with a service account, and there is no "
            f"kubeconfig {self._file()} (set KUBECONFIG, or name one with --kubeconfig)"
        )

    def _unusable(self, why: str) -> SignInFailed:
        return SignInFailed(f"can't sign in with the kubeconfig {self._file()}: {why}")


def _names(entries: Iterable[Any]) -> dict[str, Any]:
    """The entries of a merged kubeconfig's list by their names."""
    return {entry.value["name"]: entry.value for entry in entries}


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """What this thread tells the root logger, as the official client does: it goes no further."""
    said: list[str] = []
    thread = threading.get_ident()

    def note(record: logging.LogRecord) -> bool:
        if record.thread != thread:
            return True
        said.append(record.getMessage())
        return False

    root = logging.getLogger()
    root.addFilter(note)
    try:
        yield said
    finally:
        root.removeFilter(note)


def _failures() -> tuple[type[Exception], ...]:
    """What the official client is known to raise over a damaged file or a failed refresh."""
    from kubernetes.config.config_exception import ConfigException  # noqa: PLC0415

    return (
        ConfigException,
        yaml.YAMLError,
        OSError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
    )


def _harmless(error: Exception) -> str:
    """What an error says, without what it may quote from a file of secrets."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"not valid YAML at line {error.problem_mark.line + 1}"
    if isinstance(error, OSError):
        return f"{error.strerror or type(error).__name__}: {error.filename or 'unnamed file'}"
    if type(error).__name__ == "ConfigException":
        # "Expected key X in PATH/{...the whole entry...}"
        return str(error).split("{", maxsplit=1)[0].strip()
    return f"unexpected content ({type(error).__name__})"
