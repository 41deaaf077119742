"""The API server's error answers: a `Status` each, worded as apimachinery words them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chaosd.sandbox.objects import Json
from chaosd.sandbox.resources import Resource


class ApiError(Exception):
    """An answer that is not the one hoped for; `body` is the Status to send."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: Json | None = None,
        retry_after: int | None = None,
        resume: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after
        self.body = status_body(code, reason, message, details=details, resume=resume)


def status_body(
    code: int,
    reason: str,
    message: str,
    *,
    details: Json | None = None,
    resume: str | None = None,
) -> Json:
    """A `Status` of a failure; `resume` is a continue token offered with a 410."""
    body: Json = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {"continue": resume} if resume else {},
        "status": "Failure",
        "message": message,
    }
    if reason:
        body["reason"] = reason
    if details:
        body["details"] = details
    body["code"] = code
    return body


def details_of(resource: Resource, name: str, **more: Any) -> Json:
    """`details` of a Status about one object."""
    details: Json = {"name": name} if name else {}
    if resource.group:
        details["group"] = resource.group
    return {**details, "kind": resource.plural, **more}


def not_found(resource: Resource, name: str) -> ApiError:
    """404 about one object."""
    message = f'{resource.id} "{name}" not found'
    return ApiError(404, "NotFound", message, details=details_of(resource, name))


def already_exists(resource: Resource, name: str) -> ApiError:
    """409 for a create of what is there."""
    message = f'{resource.id} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, details=details_of(resource, name))


def conflict(resource: Resource, name: str, why: str) -> ApiError:
    """409 for a write that lost a race."""
    message = f'Operation cannot be fulfilled on {resource.id} "{name}": {why}'
    return ApiError(409, "Conflict", message, details=details_of(resource, name))


MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


def precondition_conflict(resource: Resource, name: str, why: str) -> ApiError:
    """409 for a delete precondition that does not hold (names the kind, not the resource)."""
    message = f'Operation cannot be fulfilled on {resource.kind} "{name}": {why}'
    details: Json = {"name": name}
    if resource.group:
        details["group"] = resource.group
    return ApiError(409, "Conflict", message, details={**details, "kind": resource.kind})


def invalid(
    resource: Resource, name: str, causes: Sequence[tuple[str, str, str]], *, kind: str = ""
) -> ApiError:
    """422 with (reason, field, message) of every mistake; `kind` where it is called otherwise."""
    kind = kind or resource.kind
    found = [f"{field}: {message}" for _, field, message in causes]
    listed = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
    details: Json = {"name": name}
    if resource.group:
        details["group"] = resource.group
    details["kind"] = kind
    details["causes"] = [
        {"reason": reason, "message": message, "field": field} for reason, field, message in causes
    ]
    title = kind if not resource.group else f"{kind}.{resource.group}"
    return ApiError(422, "Invalid", f'{title} "{name}" is invalid: {listed}', details=details)


def bad_request(message: str) -> ApiError:
    """400."""
    return ApiError(400, "BadRequest", message)


def invalid_options(kind: str, field: str, reason: str, message: str) -> ApiError:
    """422 about what a request asks for besides its object; `kind` as in `DeleteOptions`."""
    causes = [{"reason": reason, "message": message, "field": field}]
    details = {"group": "meta.k8s.io", "kind": kind, "causes": causes}
    text = f'{kind}.meta.k8s.io "" is invalid: {field}: {message}'
    return ApiError(422, "Invalid", text, details=details)


def unsupported_media_type() -> ApiError:
    """415 for a body that is neither JSON nor protobuf."""
    message = (
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json, application/vnd.kubernetes.protobuf"
    )
    return ApiError(415, "UnsupportedMediaType", message)


def forbidden(resource: Resource, name: str, why: str) -> ApiError:
    """403 about a resource."""
    named = f'{resource.id} "{name}"' if name else resource.id
    message = f"{named} is forbidden: {why}"
    return ApiError(403, "Forbidden", message, details=details_of(resource, name))


def method_not_allowed() -> ApiError:
    """405."""
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message, details={})


def expired(message: str, resume: str | None = None) -> ApiError:
    """410 for a revision that has been compacted."""
    return ApiError(410, "Expired", message, resume=resume)


def too_many_requests(message: str, retry_after: int, causes: list[Json] | None = None) -> ApiError:
    """429; a `retry_after` of 0 says nothing about when to come back."""
    details: Json = {}
    if causes:
        details["causes"] = causes
    if retry_after:
        details["retryAfterSeconds"] = retry_after
    return ApiError(
        429, "TooManyRequests", message, details=details, retry_after=retry_after or None
    )
