"""What goes into the API and what comes out of it, without any socket."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from chaosd.sandbox import protobuf
from chaosd.sandbox.errors import ApiError, bad_request, invalid_options, unsupported_media_type
from chaosd.sandbox.objects import Json

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Request:
    """One HTTP request. `path` is percent-decoded; `query` is a mapping or a list of pairs."""

    method: str
    path: str
    query: Mapping[str, str] | Pairs = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def of(
        cls, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Request:
        """A request from a path with its query string; a body that is no bytes becomes JSON."""
        split = urlsplit(url)
        encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return cls(
            method.upper(),
            unquote(split.path),
            parse_qsl(split.query, keep_blank_values=True),
            dict(headers or {}),
            b"" if body is None else encoded,
        )

    def param(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        pairs = self.query.items() if isinstance(self.query, Mapping) else self.query
        for key, value in pairs:
            if key == name:
                return value
        return default

    def params(self, name: str) -> list[str]:
        """Every value of a query parameter."""
        pairs = self.query.items() if isinstance(self.query, Mapping) else self.query
        return [value for key, value in pairs if key == name]

    def header(self, name: str) -> str:
        """A header, whatever its case; "" where it is missing."""
        wanted = name.lower()
        for key, value in self.headers.items():
            if key.lower() == wanted:
                return value
        return ""

    def json(self) -> Any:
        """The decoded body. Raises the API error for one that can't be read."""
        try:
            if self.body.startswith(protobuf.MAGIC):
                return protobuf.decode(self.body)
            return msgspec.json.decode(self.body)
        except protobuf.ProtobufError as error:
            raise ApiError(415, "UnsupportedMediaType", str(error), details={}) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise bad_request(f"couldn't decode the request body: {error}") from error

    def json_object(self) -> Json:
        """The decoded body, which must be an object."""
        found = self.json()
        if not isinstance(found, dict):
            raise bad_request("the request body must be a JSON object")
        return found

    def check_media_type(self) -> None:
        """Raises the 415 for a body of a type that is not read here."""
        kind = self.header("content-type").partition(";")[0].strip()
        if self.body and kind not in _MEDIA_TYPES:
            raise unsupported_media_type()

    @property
    def dry_run(self) -> bool:
        """Whether the query asks for `dryRun=All`. Raises the API error for other values."""
        return is_dry_run(self.params("dryRun"), _OPTIONS.get(self.method, "DeleteOptions"))

    @property
    def watching(self) -> bool:
        """Whether the query asks for a watch."""
        return self.param("watch").lower() in ("true", "1")

    @property
    def timeout_seconds(self) -> float | None:
        """`?timeout=` in seconds, None where it is missing. Raises the API error for nonsense."""
        text = self.param("timeout")
        return None if not text else _go_duration(text)


@dataclass(frozen=True)
class Response:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes = b""

    def json(self) -> Any:
        """The decoded body."""
        return msgspec.json.decode(self.body)


_OPTIONS = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions"}


def is_dry_run(values: Any, options: str = "DeleteOptions") -> bool:
    """Whether a `dryRun` list is [All]. Raises the API error for other values."""
    if not values:
        return False
    if not isinstance(values, list):
        raise bad_request("dryRun must be a list")
    if values != ["All"]:
        found = msgspec.json.encode(values).decode()
        message = f'Unsupported value: {found}: supported values: "All"'
        raise invalid_options(options, "dryRun", "FieldValueNotSupported", message)
    return True


_MEDIA_TYPES = ("", "application/json", "application/vnd.kubernetes.protobuf")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def _go_duration(text: str) -> float:
    parts = re.findall(r"([0-9.]+)(ns|us|µs|ms|s|m|h)", text)
    if "".join(number + unit for number, unit in parts) != text:
        raise bad_request(f"invalid timeout specified in the request URL: {text!r}")
    try:
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    except ValueError as error:
        raise bad_request(f"invalid timeout specified in the request URL: {text!r}") from error
