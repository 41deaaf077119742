"""Lists: selectors, pages with consistent snapshots, and the versions they may be asked for.

https://kubernetes.io/docs/reference/using-api/api-concepts/ (chunking, resource versions).
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import msgspec

from chaosd.sandbox.cluster import Cluster, HistoryGoneError, within
from chaosd.sandbox.errors import ApiError, bad_request, expired, invalid_options, status_body
from chaosd.sandbox.objects import Json, Key
from chaosd.sandbox.requests import Request
from chaosd.sandbox.selectors import Matches, SelectorError, compile_selectors
from chaosd.sandbox.targets import Target

TOKEN_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start "
    "a new list without the continue parameter, or use the continue token in this response to "
    "retrieve the remainder of the results. Continuing with the provided token results in an "
    "inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: the objects and the list's metadata."""

    items: list[Json]
    metadata: Json


class Token(msgspec.Struct):
    """A continue token. `rv` -1 goes on with whatever is there now."""

    v: str
    rv: int
    start: str


def selectors_of(request: Request, target: Target) -> Matches | None:
    """The predicate of a list or watch. Raises the API error for selectors that don't parse."""
    try:
        return compile_selectors(
            request.param("labelSelector"), request.param("fieldSelector"), target.resource.id
        )
    except SelectorError as error:
        raise bad_request(str(error)) from error


def list_page(cluster: Cluster, target: Target, request: Request, as_of: int | None = None) -> Page:
    """The page that a request asks for; `as_of` answers from an older revision instead."""
    matches = selectors_of(request, target)
    limit = _number(request, "limit")
    token_text = request.param("continue")
    after: Key | None = None
    if token_text:
        if request.param("resourceVersion") not in ("", "0"):
            raise bad_request("specifying resource version is not allowed when using continue")
        token, after = read_token(token_text)
        revision = cluster.revision if token.rv < 0 else token.rv
    else:
        revision = _asked_revision(cluster, request)
        if as_of is not None:
            revision = min(revision, as_of)
    try:
        items, keys = cluster.at(target.resource.id, revision)
    except HistoryGoneError as error:
        if not token_text:
            raise expired(
                f"The resourceVersion for the provided list is too old: {error}"
            ) from error
        resume = write_token(-1, after or ("", ""))
        raise expired(TOKEN_EXPIRED, resume) from error
    keys = within(keys, target.namespace)
    start = 0 if after is None else bisect_right(keys, after)
    found: list[Json] = []
    for at in range(start, len(keys)):
        item = items[keys[at]]
        if matches is not None and not matches(item):
            continue
        if limit and len(found) == limit:
            metadata: Json = {"resourceVersion": str(revision)}
            last = found[-1]["metadata"]
            last_key = (last.get("namespace", ""), last["name"])
            metadata["continue"] = write_token(revision, last_key)
            if matches is None:
                metadata["remainingItemCount"] = len(keys) - bisect_left(keys, last_key) - 1
            return Page(found, metadata)
        found.append(item)
    return Page(found, {"resourceVersion": str(revision)})


def _number(request: Request, name: str) -> int:
    text = request.param(name) or "0"
    if not text.isdigit():
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def _asked_revision(cluster: Cluster, request: Request) -> int:
    text = request.param("resourceVersion")
    match = request.param("resourceVersionMatch")
    if match not in ("", "Exact", "NotOlderThan"):
        why = f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan", ""'
        raise invalid_options("ListOptions", "resourceVersionMatch", "FieldValueNotSupported", why)
    if match and not text:
        why = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
        raise invalid_options("ListOptions", "resourceVersionMatch", "FieldValueForbidden", why)
    if text and not text.isdigit():
        raise bad_request(
            f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: invalid syntax'
        )
    asked = int(text or 0)
    if asked > cluster.revision:
        body = status_body(
            504,
            "Timeout",
            f"Too large resource version: {asked}, current: {cluster.revision}",
            details={
                "causes": [
                    {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
                ],
                "retryAfterSeconds": 1,
            },
        )
        raise ApiError(504, "Timeout", body["message"], details=body["details"], retry_after=1)
    return asked if match == "Exact" and asked else cluster.revision


def write_token(revision: int, last: Key) -> str:
    """A token that goes on after a key."""
    token = Token("meta.k8s.io/v1", revision, "\0".join(last))
    return base64.urlsafe_b64encode(msgspec.json.encode(token)).decode().rstrip("=")


def read_token(text: str) -> tuple[Token, Key]:
    """A token and the key that it goes on after. Raises the API error for nonsense."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        token = msgspec.json.decode(raw, type=Token)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise bad_request(f"continue key is not valid: {error}") from error
    namespace, separator, name = token.start.partition("\0")
    if token.v != "meta.k8s.io/v1" or not separator:
        raise bad_request("continue key is not valid: incorrect encoded start resourceVersion")
    return token, (namespace, name)
