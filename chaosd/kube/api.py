"""Typed requests to one API server: reads in pages and asked again, writes sent once."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import lru_cache
from threading import Lock
from typing import Any, Generic, TypeVar, cast

import msgspec
from msgspec import Struct, field

from chaosd.kube.caller import JSON, Call, Caller, Observe, unreadable
from chaosd.kube.errors import PageExpired
from chaosd.kube.records import Metadata, ObjectMeta
from chaosd.kube.resources import NAMESPACES, Resource
from chaosd.kube.retry import RetryPolicy, retried
from chaosd.kube.transport import Query, Transport
from chaosd.ports import Clock

T = TypeVar("T")
Body = Mapping[str, Any]
Operations = Sequence[Mapping[str, Any]]

PAGE = 500
_MOST_EXPIRED = 3
_ON_TOP = 1.0
"""Seconds that the socket waits longer than the server was told to take."""
_META = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
_META_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
OPERATIONS = "application/json-patch+json"


class _ListMeta(Struct, rename="camel"):
    go_on: str = field(default="", name="continue")
    remaining_item_count: int | None = None


class _Page(Struct, Generic[T]):
    metadata: _ListMeta
    items: list[T] | None = None


_LEARNING = Lock()


def _decoder(into: Hashable) -> msgspec.json.Decoder[Any]:
    # msgspec learns a type at its first use, and a process in which two threads make it learn the
    # same one (Pod and Node share their metadata) may crash.
    with _LEARNING:
        return _learnt(into)


@lru_cache(maxsize=64)
def _learnt(into: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(into)


def _ignore(_verb: str, _resource: str, _code: str, _seconds: float) -> None:
    pass


class Api:
    """Everything that chaosd says to the API server. Threads may share it.

    ``observe`` is told verb, resource, HTTP status (or ``notSent``, ``unanswered``) and seconds of
    each request. ``retry`` is for reads. ``timeout`` bounds, in seconds, each read of one object
    and each write that has no bound of its own; ``list_timeout`` each page. It is a
    :class:`chaosd.ports.Cluster`.
    """

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        observe: Observe = _ignore,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
        timeout: float = 10.0,
        list_timeout: float = 30.0,
    ) -> None:
        self._caller = Caller(transport, clock, observe)
        self._clock = clock
        self._retry = retry
        self._timeout = timeout
        self._list_timeout = list_timeout

    # ---- the cluster as a whole

    def seed(self) -> str:
        """The UID of the namespace kube-system: the same for as long as the cluster lives."""
        return self.get_metadata(NAMESPACES, None, "kube-system").uid

    def skew(self) -> float | None:
        """Seconds by which the API server's clock is ahead of ours, right to 2.5 s at worst.

        None when no answer of the last 60 s says.
        """
        return self._caller.skew()

    # ---- reads

    def get(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        into: type[T],
        *,
        timeout: float | None = None,
        once: bool = False,
    ) -> T:
        """One object; raises NotFound and the other CallFailed. ``once``: not asked again."""
        call = self._get_call(resource, namespace, name, JSON, timeout)
        return self._sent(call, into) if once else self._read(call, into)

    def get_metadata(self, resource: Resource, namespace: str | None, name: str) -> ObjectMeta:
        """The metadata of one object, which is all that the server sends."""
        call = self._get_call(resource, namespace, name, _META, None)
        return self._read(call, Metadata).metadata

    def pages(
        self,
        resource: Resource,
        namespace: str | None,
        into: type[T],
        *,
        labels: str = "",
        fields: str = "",
        limit: int = PAGE,
    ) -> Iterator[list[T]]:
        """All objects, page by page as they arrive, never more than one page in memory.

        ``namespace`` None lists all namespaces; ``labels`` and ``fields`` select on the server.
        When the continue token has expired and the server offers to go on with the newest state,
        it goes on; otherwise the list starts again, and objects come twice. A list that expires
        four times raises Expired.
        """
        call = self._list_call(resource, namespace, labels, limit, JSON, fields)
        return self._walk(call, into)

    def metadata_pages(
        self, resource: Resource, namespace: str | None, *, labels: str = "", limit: int = PAGE
    ) -> Iterator[list[ObjectMeta]]:
        """As :meth:`pages`, but the server sends only the objects' metadata."""
        call = self._list_call(resource, namespace, labels, limit, _META_LIST)
        for page in self._walk(call, Metadata):
            yield [item.metadata for item in page]

    def count(self, resource: Resource) -> int | None:
        """How many objects there are in all namespaces; None when the server does not say."""
        call = self._list_call(resource, None, "", 1, _META_LIST)
        page = self._read(call, _Page[Metadata])
        rest = page.metadata.remaining_item_count
        if page.metadata.go_on and rest is None:
            return None
        return len(page.items or ()) + (rest or 0)

    def ask(
        self,
        resource: Resource,
        body: Body,
        into: type[T],
        *,
        namespace: str | None = None,
        query: Query = (),
    ) -> T:
        """POST what changes nothing (an access review, a dry run); asked again as reads are."""
        call = Call(
            verb="create",
            resource=resource.plural,
            method="POST",
            path=resource.path(namespace),
            query=query,
            body=body,
            timeout=self._timeout,
        )
        return self._read(call, into)

    def discover(self, path: str, into: type[T]) -> T:
        """What the server says of itself at ``path``: its version, the kinds that it offers."""
        call = Call(
            verb="get", resource="discovery", method="GET", path=path, timeout=self._timeout
        )
        return self._read(call, into)

    # ---- writes, each sent once

    def create(
        self,
        resource: Resource,
        namespace: str | None,
        body: Body,
        into: type[T],
        *,
        of: str = "",
        subresource: str = "",
        timeout: float | None = None,
    ) -> T:
        """Make an object (or post to the ``subresource`` of the one named ``of``).

        Raises Conflict when there is one of that name. ``timeout`` seconds, at least 1, bound it on
        the server, and a second more here.
        """
        path = resource.path(namespace, of, subresource)
        label = _label(resource, subresource)
        return self._write("create", label, "POST", path, body, into, JSON, timeout)

    def patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: Body | Operations,
        into: type[T],
        *,
        subresource: str = "",
        kind: str = MERGE,
        timeout: float | None = None,
    ) -> T:
        """Change an object and return it as it is then; ``kind`` is MERGE, STRATEGIC or
        OPERATIONS (which alone takes a list)."""
        path = resource.path(namespace, name, subresource)
        label = _label(resource, subresource)
        return self._write("patch", label, "PATCH", path, body, into, kind, timeout)

    def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        options: Body,
        *,
        timeout: float | None = None,
    ) -> None:
        """Delete an object under the preconditions in ``options`` (meta/v1 DeleteOptions).

        The answer's body may be the object or a Status, and is not looked at.
        """
        path = resource.path(namespace, name)
        self._write("delete", resource.plural, "DELETE", path, options, msgspec.Raw, JSON, timeout)

    # ---- how

    def _get_call(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        accept: str,
        timeout: float | None,
    ) -> Call:
        return Call(
            verb="get",
            resource=resource.plural,
            method="GET",
            path=resource.path(namespace, name),
            accept=accept,
            timeout=self._timeout if timeout is None else timeout,
        )

    def _list_call(
        self,
        resource: Resource,
        namespace: str | None,
        labels: str,
        limit: int,
        accept: str,
        fields: str = "",
    ) -> Call:
        asked = {"labelSelector": labels, "fieldSelector": fields}
        selector = tuple((key, text) for key, text in asked.items() if text)
        return Call(
            verb="list",
            resource=resource.plural,
            method="GET",
            path=resource.path(namespace),
            query=(("limit", str(limit)), *selector),
            accept=accept,
            timeout=self._list_timeout,
        )

    def _walk(self, call: Call, into: type[T]) -> Iterator[list[T]]:
        page_type: type[_Page[T]] = _Page[into]  # type: ignore[valid-type]
        token, expired = "", 0
        while True:
            query = (*call.query, ("continue", token)) if token else call.query
            try:
                page = self._read(msgspec.structs.replace(call, query=query), page_type)
            except PageExpired as error:
                expired += 1
                if expired > _MOST_EXPIRED:
                    raise
                token = error.go_on
                continue
            if page.items:
                yield page.items
            token = page.metadata.go_on
            if not token:
                return

    def _read(self, call: Call, into: type[T]) -> T:
        return retried(lambda: self._sent(call, into), self._retry, self._clock)

    def _write(
        self,
        verb: str,
        label: str,
        method: str,
        path: str,
        body: Body | Operations,
        into: type[T],
        content_type: str,
        timeout: float | None,
    ) -> T:
        bound = max(1, math.floor(self._timeout if timeout is None else timeout))
        call = Call(
            verb=verb,
            resource=label,
            method=method,
            path=path,
            query=(("timeout", f"{bound}s"),),
            content_type=content_type,
            body=body,
            timeout=bound + _ON_TOP,
        )
        return self._sent(call, into)

    def _sent(self, call: Call, into: type[T]) -> T:
        body = self._caller.send(call)
        if into is msgspec.Raw:
            return cast(T, msgspec.Raw(body))
        try:
            found: T = _decoder(cast(Hashable, into)).decode(body)
        except msgspec.MsgspecError as error:
            raise unreadable(call, error) from error
        return found


def _label(resource: Resource, subresource: str) -> str:
    return f"{resource.plural}/{subresource}" if subresource else resource.plural
