"""A transport to a simulated cluster in the same process: no sockets, no threads, virtual time."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from chaosd.kube.transport import Query, Reply
from chaosd.ports import NotSent, Unanswered
from chaosd.sandbox import Api, ConnectionLost, Request


class InProcessTransport:
    """Carries requests to the sandbox's API.

    A connection that the sandbox's faults take away is Unanswered, whether or not the request took
    effect: a client can't tell. So is an answer that comes later than the timeout, on the cluster's
    clock. While ``refused`` is set, nothing is sent (as with a connection that is refused).
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self.refused = False

    def send(
        self,
        method: str,
        path: str,
        query: Query,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float,
    ) -> Reply:
        """Answer one request."""
        if self.refused:
            raise NotSent("connection refused")
        started = self._api.cluster.now()
        request = Request(method, unquote(path), list(query), dict(headers), body or b"")
        try:
            response = self._api.handle(request)
        except ConnectionLost as error:
            raise Unanswered(str(error)) from error
        if (self._api.cluster.now() - started).total_seconds() > timeout:
            raise Unanswered("no answer in time")
        headers = {key.lower(): text for key, text in response.headers.items()}
        return Reply(response.status, headers, response.body)
