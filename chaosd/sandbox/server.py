"""The sandbox over HTTP: starlette and uvicorn around `Api.handle`, and a thread of controllers."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.responses import StreamingResponse
from starlette.routing import Route

from chaosd.sandbox.access import Access
from chaosd.sandbox.cluster import Change, Cluster
from chaosd.sandbox.connections import Connections
from chaosd.sandbox.controllers import Controllers, Timings
from chaosd.sandbox.controllers.processes import PodProcesses
from chaosd.sandbox.faults import ConnectionLost
from chaosd.sandbox.kubeconfig import write_kubeconfig
from chaosd.sandbox.requests import Request, Response
from chaosd.sandbox.rest import Api
from chaosd.sandbox.watch import Watch

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
IDLE_SECONDS = 0.5
"""The longest real time between two looks of the controllers at the cluster."""
START_SECONDS = 10.0


class SandboxServer:
    """Serves a cluster on loopback until `stop` (or the end of the `with` block).

    `speed` is how many seconds of the cluster's clock pass in a real second; with
    `controllers=False` nobody ticks them. `port` 0 takes a free port. `token`, if given, is what
    clients must send as a bearer token. An `api` of one's own brings its own access and sleep.
    `processes` are what pods are made of that are more than objects; they are the caller's to end.
    Raises OSError when the port is taken.
    """

    def __init__(
        self,
        cluster: Cluster,
        port: int = 0,
        *,
        speed: float = 1.0,
        timings: Timings | None = None,
        token: str | None = None,
        api: Api | None = None,
        controllers: bool = True,
        processes: PodProcesses | None = None,
    ) -> None:
        self.cluster = cluster
        self._speed = speed
        self._stopping = threading.Event()
        self.api = api or Api(cluster, access=Access(token), sleep=self._sleep)
        self._connections = Connections()
        self._ending = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._socket = socket.create_server(("127.0.0.1", port), backlog=512)
        # Connections inherit it. asyncio sets it only where the socket names its protocol, which
        # this one does not; without, each answer waits 40 ms for the client's delayed ACK.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server = self._uvicorn()
        serve = threading.Thread(target=self._serve, name="sandbox-http", daemon=True)
        self._threads = [serve]
        self._ticker: Ticker | None = None
        if controllers:
            self._ticker = Ticker(Controllers(cluster, timings, processes), speed)
            tick = threading.Thread(target=self._ticker.run, name="sandbox-tick", daemon=True)
            self._threads.append(tick)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def kubeconfig(self, path: Path, *, namespace: str = "default") -> Path:
        """Write a kubeconfig for this server, readable by its owner only, and return its path."""
        return write_kubeconfig(path, self.url, token=self.api.access.token, namespace=namespace)

    def start(self) -> Self:
        """Start serving; returns when requests are answered."""
        for thread in self._threads:
            thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            if time.monotonic() > deadline or not self._threads[0].is_alive():
                self.stop()
                raise RuntimeError("the sandbox's HTTP server did not start")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """End every connection and thread."""
        self._stopping.set()
        if self._ticker is not None:
            self._ticker.stop()
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ending.set)
        self._server.should_exit = True
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self._socket.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _sleep(self, seconds: float) -> None:
        self._stopping.wait(seconds / self._speed)

    # --- HTTP

    def _uvicorn(self) -> uvicorn.Server:
        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            self._loop = asyncio.get_running_loop()
            yield

        routes = [Route("/{path:path}", self._endpoint, methods=METHODS)]
        config = uvicorn.Config(
            Starlette(routes=routes, lifespan=lifespan),
            http=self._connections.protocol(),
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_graceful_shutdown=2,
            # An API server keeps idle connections; one that closes first breaks the next POST.
            timeout_keep_alive=3600,
        )
        return uvicorn.Server(config)

    def _serve(self) -> None:
        # On a thread that is not the main one, uvicorn leaves signals alone.
        self._server.run(sockets=[self._socket])

    async def _endpoint(self, http: HttpRequest) -> HttpResponse:
        request = Request(
            http.method,
            http.scope["path"],
            http.query_params.multi_items(),
            dict(http.headers),
            await http.body(),
        )
        try:
            if request.watching and request.method == "GET":
                return await self._watch(request)
            return _answer(await run_in_threadpool(self.api.handle, request))
        except ConnectionLost as lost:
            if http.client is not None:
                await self._connections.cut((http.client.host, http.client.port), reset=lost.reset)
            return HttpResponse(status_code=500)

    async def _watch(self, request: Request) -> HttpResponse:
        opened = await run_in_threadpool(self.api.watch, request)
        if not isinstance(opened, Watch):
            return _answer(opened)
        seconds = request.param("timeoutSeconds")
        limit = float(seconds) / self._speed if seconds.isdigit() and seconds != "0" else None
        return StreamingResponse(opened.lines(self._ending, limit), media_type="application/json")


def _answer(response: Response) -> HttpResponse:
    return HttpResponse(response.body, response.status, headers=response.headers)


class Ticker:
    """Steps the controllers when they want to be woken, and after every change."""

    def __init__(self, controllers: Controllers, speed: float) -> None:
        self._controllers = controllers
        self._speed = speed
        self._wake = threading.Event()
        self._ended = False
        self._unsubscribe = controllers.cluster.subscribe(self._changed)

    def _changed(self, _: Change) -> None:
        self._wake.set()

    def run(self) -> None:
        """Tick until `stop`."""
        cluster = self._controllers.cluster
        while not self._ended:
            self._wake.clear()
            due = self._controllers.step()
            pause = IDLE_SECONDS
            if due is not None:
                left = (due - cluster.now()).total_seconds() / self._speed
                pause = min(max(left, 0.0), IDLE_SECONDS)
            self._wake.wait(pause)

    def stop(self) -> None:
        """End `run` soon."""
        self._ended = True
        self._wake.set()
        self._unsubscribe()
        self._controllers.close()
