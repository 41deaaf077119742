"""How addresses and paths of files are read from text; each ValueError says what to write."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from chaosd.config.problems import shown

_SCHEMES = ("http", "https")
_HOST = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9._]{0,251}[A-Za-z0-9])?\.?")
_DIGITS = re.compile(r"[0-9.]+")
_LIKE = "https://10.0.0.1:2379"


def endpoint(text: str) -> str:
    """Read the URL of a server alone, like ``https://10.0.0.1:2379``, and write it in one way."""
    parts = _split(text, _LIKE)
    port = _port(parts, text, _LIKE)
    host = _host(parts, text, _LIKE)
    if port is None:
        raise ValueError(f"{shown(text)} has no port: write {parts.scheme}://{host}:2379")
    plain = f"{parts.scheme}://{host}:{port}"
    if parts.path not in ("", "/") or "?" in text or "#" in text:
        raise ValueError(f"{shown(text)} is more than scheme, host and port: write {plain}")
    return plain


def base_url(text: str) -> str:
    """Check the URL of an HTTP API; it may have a path, under which the API is served."""
    like = "http://prometheus.monitoring:9090"
    parts = _split(text, like)
    _port(parts, text, like)
    _host(parts, text, like)
    if "?" in text or "#" in text:
        plain = parts._replace(query="", fragment="").geturl()
        raise ValueError(f"{shown(text)} has a query or a fragment: write {plain}")
    return text.rstrip("/")


def server_name(text: str) -> str:
    """Check the name that certificates must be for; empty means the host that is asked."""
    if not text or _is_host(text) or _is_address(text):
        return text
    raise ValueError(f"{shown(text)} is no host name: write one such as etcd.example.com")


def path(text: str) -> str:
    """Check the absolute path of a file; empty means none."""
    if not text or text.startswith("/"):
        return text
    raise ValueError(
        f"{shown(text)} is no absolute path: write /{text.lstrip('./~')}, or wherever it is in "
        "chaosd's container"
    )


def secret_file(value: object) -> str:
    """Check the absolute path of a file with a secret. What is written instead is not shown: it may
    be the secret."""
    if isinstance(value, str) and value.startswith("/") and value.isprintable():
        return value
    raise ValueError(
        "expected the absolute path of a file that holds it, such as /etc/chaosd/etcd/NAME/KEY; "
        "what is written here, which is not shown, is none"
    )


def _split(text: str, like: str) -> SplitResult:
    if "@" in text:
        raise ValueError(
            "a URL with a user or a password, which everybody who reads this file would see: "
            "remove what stands before the @"
        )
    if any(one.isspace() for one in text):
        raise ValueError(f"{shown(text)} holds blanks: write a URL such as {like}")
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise ValueError(f"{shown(text)} is no URL: {error}; write one such as {like}") from None
    if not text.startswith(tuple(f"{one}://" for one in _SCHEMES)):
        raise ValueError(
            f"{shown(text)} is no URL of http or https: write one such as {like}, with the scheme"
        )
    return parts


def _port(parts: SplitResult, text: str, like: str) -> int | None:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError(
            f"{shown(text)} has a port that none can be: write 1 to 65535, as in {like}"
        )
    return port


def _host(parts: SplitResult, text: str, like: str) -> str:
    host = parts.hostname or ""
    if ":" in host and _is_address(host):
        return f"[{ip_address(host).compressed}]"
    if _is_host(host):
        return host
    raise ValueError(f"{shown(text)} has no host that can be asked: write one such as {like}")


def _is_host(text: str) -> bool:
    """Whether it may be a name or an IPv4 address; digits and dots alone are only the latter."""
    return bool(_HOST.fullmatch(text)) and (not _DIGITS.fullmatch(text) or _is_address(text))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text
