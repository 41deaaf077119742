"""A proxy between one daemon and the real API server, which goes wrong when it is told to.

It speaks HTTPS with the certificate of the API server (both are on 127.0.0.1) and passes on
all that it is sent, the token too. A request that nothing is to happen to arrives as it was, and so
does its answer.
"""

from __future__ import annotations

import asyncio
import random
import re
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from chaosd.sandbox.connections import Connections
from tests.support.waiting import until

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
EVICTION = r"/pods/[^/]+/eviction$"
LEDGER = r"/configmaps/chaosd-ledger$"
LEASE = r"/leases/chaosd$"
LISTS = r"/(deployments|statefulsets|pods|replicasets|poddisruptionbudgets)$"
DELAY = 2.0
# They belong to one connection, not to what is passed on.
_OF_THE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


class Fault(StrEnum):
    """What happens to a request. What is lost or cut ends with its connection."""

    REQUEST_LOST = "the request is lost on its way"
    REQUEST_RESET = "the connection is reset before the request arrives"
    ANSWER_LOST = "it is done, and its answer is lost"
    ANSWER_RESET = "it is done, and the connection is reset"
    ANSWER_CUT = "it is done, and half of the answer's body arrives"
    GATEWAY_TIMEOUT = "it is done, and a gateway answers 504 with a page of its own"
    DELAYED = "it arrives seconds later"
    TOO_MANY = "429"
    TOO_MANY_WAIT = "429 with Retry-After"
    INTERNAL = "500"
    UNAVAILABLE = "503"


_INSTEAD = {
    Fault.TOO_MANY: 429,
    Fault.TOO_MANY_WAIT: 429,
    Fault.INTERNAL: 500,
    Fault.UNAVAILABLE: 503,
}
_BEFORE = {Fault.REQUEST_LOST: False, Fault.REQUEST_RESET: True}
_AFTER = {Fault.ANSWER_LOST: False, Fault.ANSWER_RESET: True}


class Held:
    """A request, or its answer, that waits for the test."""

    def __init__(self, *, answer: bool) -> None:
        self.answer = answer
        self.path = ""
        self.status: int | None = None
        self._met, self._go_on = threading.Event(), threading.Event()

    def met(self) -> bool:
        """Whether it came, and is held now (or was)."""
        return self._met.is_set()

    def release(self) -> None:
        """Let it go on."""
        self._go_on.set()

    def answered(self) -> int | None:
        """What the API server answered; None while it has not."""
        return self.status

    async def wait(self) -> None:
        """Hold it."""
        self._met.set()
        while not self._go_on.is_set():
            await asyncio.sleep(0.02)


@dataclass
class Mishap:
    """A fault that happened to a request, and what the API server had answered, if it was asked."""

    fault: Fault
    method: str
    path: str
    status: int | None = None


@dataclass
class Rule:
    """What is to happen to the ``nth`` request (from 1) of this method and path from now on, once.

    ``body`` says of a request's body whether it is meant.
    """

    what: Fault | Held
    method: str
    path: str
    nth: int = 1
    body: Callable[[bytes], bool] = field(default=lambda _: True)
    done: bool = False

    def meets(self, method: str, path: str, body: bytes) -> bool:
        """Whether it is this request's turn."""
        if self.done or method != self.method or not re.search(self.path, path):
            return False
        if not self.body(body):
            return False
        self.nth -= 1
        self.done = self.nth == 0
        return self.done


class Proxy:
    """Serves from the start of a ``with`` block to its end.

    ``upstream`` is the API server's address; ``ca`` its certificate, whose key lies beside it.
    ``happened`` is what went wrong so far.
    """

    def __init__(self, upstream: str, ca: Path) -> None:
        self.happened: list[Mishap] = []
        self._upstream = upstream
        self._ca = ca
        self._rules: list[Rule] = []
        self._storm: Callable[[], Fault | None] = lambda: None
        self._lock = threading.Lock()
        self._connections = Connections()
        self._server = uvicorn.Server(
            uvicorn.Config(
                Starlette(
                    routes=[Route("/{path:path}", self._pass_on, methods=METHODS)],
                    lifespan=self._lifespan,
                ),
                http=self._connections.protocol(),
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                date_header=False,
                server_header=False,
                timeout_keep_alive=3600,
                timeout_graceful_shutdown=2,
                ssl_certfile=str(ca),
                ssl_keyfile=str(ca.with_suffix(".key")),
            )
        )
        self._thread = threading.Thread(target=self._serve, name="proxy", daemon=True)
        self._socket: socket.socket
        self._client: httpx.AsyncClient

    @property
    def url(self) -> str:
        """Where the daemon finds it."""
        return f"https://127.0.0.1:{self._socket.getsockname()[1]}"

    def arrange(
        self,
        fault: Fault,
        method: str,
        path: str,
        nth: int = 1,
        body: Callable[[bytes], bool] = lambda _: True,
    ) -> Callable[[], bool]:
        """Let this happen once; returns a question: has it?"""
        rule = self._add(Rule(fault, method, path, nth, body))
        return lambda: rule.done

    def hold(
        self,
        method: str,
        path: str,
        *,
        answer: bool = False,
        body: Callable[[bytes], bool] = lambda _: True,
    ) -> Held:
        """Hold the next such request (or, when it is done, its answer) until it is released."""
        held = Held(answer=answer)
        self._add(Rule(held, method, path, 1, body))
        return held

    def storm(self, seed: int, share: float, faults: Collection[Fault] = tuple(Fault)) -> None:
        """From now on this share of all requests goes wrong, somehow."""
        drawn, ways = random.Random(seed), sorted(faults)
        self._storm = lambda: drawn.choice(ways) if drawn.random() < share else None

    def calm(self) -> None:
        """Nothing new goes wrong from now on."""
        self._storm = lambda: None

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._thread.start()
        until(lambda: self._server.started or not self._thread.is_alive())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.calm()
        for rule in self._rules:
            if isinstance(rule.what, Held):
                rule.what.release()
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    # ---- inside

    def _serve(self) -> None:
        # On a thread that is not the main one, uvicorn leaves signals alone.
        self._server.run(sockets=[self._socket])

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        trust = ssl.create_default_context(cafile=str(self._ca))
        # A proxy has no patience of its own: client and server have theirs.
        async with httpx.AsyncClient(verify=trust, timeout=None, trust_env=False) as self._client:
            yield

    def _add(self, rule: Rule) -> Rule:
        with self._lock:
            self._rules.append(rule)
        return rule

    def _turn(self, request: Request, body: bytes) -> Mishap | Held | None:
        """What is to happen to this request."""
        method, path = request.method, request.url.path
        with self._lock:
            rule = next((one for one in self._rules if one.meets(method, path, body)), None)
            what = rule.what if rule else self._storm()
            if isinstance(what, Fault):
                mishap = Mishap(what, method, path)
                self.happened.append(mishap)
                return mishap
        if what is not None:
            what.path = path
        return what

    async def _pass_on(self, request: Request) -> Response:
        try:
            body = await request.body()
        except ClientDisconnect:  # a client that was killed
            return Response(status_code=500)
        what = self._turn(request, body)
        try:
            if isinstance(what, Mishap):
                return await self._go_wrong(what, request, body)
            if what is None:
                return await self._ask(request, body)
            if not what.answer:
                await what.wait()
            answer = await self._ask(request, body)
            what.status = answer.status_code
            if what.answer:
                await what.wait()
        except httpx.HTTPError:
            return await self._cut(request, reset=False)
        return answer

    async def _go_wrong(self, mishap: Mishap, request: Request, body: bytes) -> Response:
        fault = mishap.fault
        if fault in _INSTEAD:
            return _instead(fault)
        if fault in _BEFORE:
            return await self._cut(request, reset=_BEFORE[fault])
        if fault is Fault.DELAYED:
            await asyncio.sleep(DELAY)
        answer = await self._ask(request, body)
        mishap.status = answer.status_code
        if fault in _AFTER:
            return await self._cut(request, reset=_AFTER[fault])
        if fault is Fault.GATEWAY_TIMEOUT:
            return Response("<h1>504 Gateway Timeout</h1>", 504, media_type="text/html")
        return self._half(request, answer) if fault is Fault.ANSWER_CUT else answer

    async def _ask(self, request: Request, body: bytes) -> Response:
        """Send it to the API server, once; the answer as it came."""
        target = f"{self._upstream}{request.scope['raw_path'].decode()}"
        if request.scope["query_string"]:
            target += f"?{request.scope['query_string'].decode()}"
        sent = [pair for pair in request.headers.items() if pair[0] not in _OF_THE_CONNECTION]
        asked = self._client.build_request(request.method, target, headers=sent, content=body)
        answer = await self._client.send(asked, stream=True)
        try:
            content = b"".join([part async for part in answer.aiter_raw()])
        finally:
            await answer.aclose()
        kept = {key: text for key, text in answer.headers.items() if key not in _OF_THE_CONNECTION}
        return Response(content, answer.status_code, kept)

    def _half(self, request: Request, answer: Response) -> Response:
        """As much of the body as makes it no JSON, and then nothing."""
        body = bytes(answer.body)

        async def part() -> AsyncIterator[bytes]:
            yield body[: len(body) // 2]
            await self._cut(request, reset=False)

        # `answer` says how long its body is.
        return StreamingResponse(part(), answer.status_code, dict(answer.headers))

    async def _cut(self, request: Request, *, reset: bool) -> Response:
        assert request.client is not None
        await self._connections.cut((request.client.host, request.client.port), reset=reset)
        return Response(status_code=500)  # to nobody


def _instead(fault: Fault) -> Response:
    """As the API server (or what is before it) says that it has too much to do, or is broken."""
    code = _INSTEAD[fault]
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
    status["message"] = f"injected: {fault}"
    wait = {"Retry-After": "1"} if fault is Fault.TOO_MANY_WAIT else None
    return JSONResponse(status, code, headers=wait)
