"""Servers on loopback that end with their block: HTTP, and TCP on an event loop of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Self

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_LATER = 0.05


class Exchange(BaseHTTPRequestHandler):
    """A request that waits for its answer; nothing is printed of it."""

    serve: ClassVar[Callable[[Exchange], None]]

    def do_GET(self) -> None:
        """As the server was told."""
        type(self).serve(self)

    def do_POST(self) -> None:
        """As the server was told."""
        type(self).serve(self)

    def answer(self, body: bytes = b"", status: int = 200) -> None:
        """Answer with this body."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self) -> bytes:
        """The body of the request."""
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(serve: Callable[[Exchange], None]) -> Iterator[str]:
    """An HTTP server on a free port that answers every GET and POST so; its address."""
    handler = type("Handler", (Exchange,), {"serve": staticmethod(serve)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Listening:
    """TCP servers on a thread with an event loop of its own, until the end of the block."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def listen(self, serve: Serve, port: int = 0) -> int:
        """Serve what comes to ``port`` (0: a free one, which is returned). A connection is cut when
        its ``serve`` ends, and at the latest with the block."""
        listening = socket.create_server(("127.0.0.1", port))
        found: int = listening.getsockname()[1]
        asyncio.run_coroutine_threadsafe(self._listen(serve, listening), self._loop).result()
        return found

    def call(self, function: Callable[[], object]) -> None:
        """Call it on the loop's thread, and wait until it has ended."""

        async def run() -> None:
            function()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    async def _listen(self, serve: Serve, listening: socket.socket) -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            try:
                await serve(reader, writer)
            except asyncio.CancelledError:
                pass  # the test is over
            finally:
                self._tasks.discard(task)
                writer.transport.abort()

        self._servers.append(await asyncio.start_server(connected, sock=listening))

    async def _close(self) -> None:
        # Accept no more, and close the servers last: of what one has accepted when it is closed
        # Python 3.11 makes half a connection, which nobody can end.
        for server in self._servers:
            for listening in server.sockets:
                self._loop.remove_reader(listening.fileno())
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(others, timeout=_LATER)
        for server in self._servers:
            server.close()
            await server.wait_closed()
