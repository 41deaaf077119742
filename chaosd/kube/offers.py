"""What an API server must offer, whatever we are allowed there: old ones lack it."""

from __future__ import annotations

from msgspec import Struct

from chaosd.kube.api import Api
from chaosd.kube.resources import BUDGETS
from chaosd.ports import Answered, CallFailed, Forbidden

OLDEST = "1.22"


class _Offer(Struct):
    name: str
    version: str = ""


class _Offers(Struct):
    resources: list[_Offer] | None = None


class _Version(Struct, rename="camel"):
    git_version: str = ""


def too_old(api: Api) -> str:
    """Why the API server is too old for chaosd, or "" when it is not; raises CallFailed.

    PodDisruptionBudgets came to policy/v1 with Kubernetes 1.21, evictions with 1.22
    (https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/). A server that does not
    let us look is taken for new enough: what it lacks shows where it is used.
    """
    lacking = [
        what
        for path, name, version, what in (
            ("/apis/policy/v1", BUDGETS.plural, "", "PodDisruptionBudgets of policy/v1"),
            ("/api/v1", "pods/eviction", "v1", "evictions of policy/v1"),
        )
        if not _offered(api, path, name, version)
    ]
    if not lacking:
        return ""
    return (
        f"the API server does not offer {' and '.join(lacking)}{_version(api)}: "
        f"chaosd needs Kubernetes {OLDEST} or newer"
    )


def _offered(api: Api, path: str, name: str, version: str) -> bool:
    try:
        listed = api.discover(path, _Offers).resources or ()
    except Forbidden as error:
        if error.status == 401:
            raise
        return True
    except Answered as error:
        if error.status != 404:
            raise
        return False
    return any(one.name == name and version in ("", one.version) for one in listed)


def _version(api: Api) -> str:
    try:
        found = api.discover("/version", _Version).git_version
    except CallFailed:
        return ""
    return f" (it is {found})" if found else ""
