"""Who may do what: an optional bearer token, and rules that deny."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import Any

from chaosd.sandbox.errors import ApiError, bad_request
from chaosd.sandbox.objects import Json
from chaosd.sandbox.requests import Request
from chaosd.sandbox.targets import Target

PUBLIC = ("/healthz", "/livez", "/readyz", "/version", "/version/")
ANONYMOUS = "system:anonymous"


@dataclass(frozen=True, slots=True)
class Denial:
    """Denies a verb on a resource; `*` stands for all of them.

    `resource` may name a subresource, as in `pods/eviction`. `namespace` "*" denies everywhere.
    """

    verb: str = "*"
    group: str = "*"
    resource: str = "*"
    namespace: str = "*"

    def denies(self, verb: str, group: str, resource: str, namespace: str) -> bool:
        """Whether this rule is about that request."""
        pairs = (
            (self.verb, verb),
            (self.group, group),
            (self.resource, resource),
            (self.namespace, namespace),
        )
        return all(rule in ("*", asked) for rule, asked in pairs)


class Access:
    """Sign-in and permissions. Without a token everybody is `admin`; allowed is the default."""

    def __init__(self, token: str | None = None, denials: tuple[Denial, ...] = ()) -> None:
        self.token = token
        self._denials = denials
        self._lock = threading.Lock()

    @property
    def denials(self) -> tuple[Denial, ...]:
        """The rules in force."""
        with self._lock:
            return self._denials

    def deny(self, *denials: Denial) -> None:
        """Add rules."""
        with self._lock:
            self._denials += denials

    def allow_all(self) -> None:
        """Drop every rule."""
        with self._lock:
            self._denials = ()

    def check(self, request: Request, verb: str, target: Target | None) -> None:
        """Raises 401 for a wrong token, 403 for a missing one and for what is denied."""
        user = self._user(request)
        if target is None:
            if user == ANONYMOUS and request.path not in PUBLIC:
                message = f'forbidden: User "{user}" cannot {verb} path "{request.path}"'
                raise ApiError(403, "Forbidden", message, details={})
            return
        resource = target.resource
        if user != ANONYMOUS and not self.denied(
            verb, resource.group, target.full_resource, target.scope
        ):
            return
        where = (
            f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
        )
        named = f' "{target.name}"' if target.name else ""
        message = (
            f'{resource.id}{named} is forbidden: User "{user}" cannot {verb} resource '
            f'"{target.full_resource}" in API group "{resource.group}" {where}'
        )
        details: Json = {"name": target.name} if target.name else {}
        if resource.group:
            details["group"] = resource.group
        raise ApiError(403, "Forbidden", message, details={**details, "kind": resource.plural})

    def denied(self, verb: str, group: str, resource: str, namespace: str) -> bool:
        """Whether some rule denies this."""
        return any(rule.denies(verb, group, resource, namespace) for rule in self.denials)

    def review(self, body: Json) -> Json:
        """The answer to a SelfSubjectAccessReview."""
        spec = body.get("spec") or {}
        if not isinstance(spec, dict):
            raise bad_request("spec must be an object")
        if not spec.get("resourceAttributes") and not spec.get("nonResourceAttributes"):
            message = (
                '.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: '
                "null: exactly one of nonResourceAttributes or resourceAttributes must be specified"
            )
            raise ApiError(422, "Invalid", message, details={"group": "authorization.k8s.io"})
        asked: dict[str, Any] = spec.get("resourceAttributes") or {}
        resource = asked.get("resource", "")
        if asked.get("subresource"):
            resource = f"{resource}/{asked['subresource']}"
        denied = bool(asked) and self.denied(
            asked.get("verb", ""), asked.get("group", ""), resource, asked.get("namespace", "")
        )
        status = {"allowed": not denied}
        return {
            "kind": "SelfSubjectAccessReview",
            "apiVersion": "authorization.k8s.io/v1",
            "metadata": {},
            "spec": spec,
            "status": status if denied else {**status, "reason": "the sandbox allows by default"},
        }

    def _user(self, request: Request) -> str:
        if self.token is None:
            return "admin"
        header = request.header("authorization")
        if not header:
            return ANONYMOUS
        if header.removeprefix("Bearer ").strip() != self.token:
            raise ApiError(401, "Unauthorized", "Unauthorized")
        return "admin"


def denials_as_json(denials: tuple[Denial, ...]) -> list[Json]:
    """The rules as the control endpoint shows them."""
    return [asdict(denial) for denial in denials]
