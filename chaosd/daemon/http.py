"""What the daemon serves: metrics, health and a plain status. Read-only."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Answers(NamedTuple):
    """Where the answers come from. Health and readiness return complaints, none being well."""

    metrics: Callable[[str], tuple[bytes, str]]
    unhealthy: Callable[[], tuple[str, ...]]
    unready: Callable[[], tuple[str, ...]]
    status: Callable[[], str]


def application(answers: Answers) -> Starlette:
    """The ASGI application; every route is a GET, run on a worker thread."""

    def metrics(request: Request) -> Response:
        body, content_type = answers.metrics(request.headers.get("accept", ""))
        return Response(body, headers={**_HEADERS, "Content-Type": content_type})

    def complaints(found: tuple[str, ...]) -> Response:
        text = "\n".join(found) or "ok"
        return PlainTextResponse(f"{text}\n", 503 if found else 200, headers=_HEADERS)

    def healthz(_: Request) -> Response:
        return complaints(answers.unhealthy())

    def readyz(_: Request) -> Response:
        return complaints(answers.unready())

    def status(_: Request) -> Response:
        return PlainTextResponse(answers.status(), headers=_HEADERS)

    def refused(_: Request, error: Exception) -> Response:
        status, more = 500, {}
        if isinstance(error, HTTPException):
            status, more = error.status_code, dict(error.headers or {})
        return PlainTextResponse(f"{HTTPStatus(status).phrase}\n", status, {**_HEADERS, **more})

    return Starlette(
        exception_handlers={HTTPException: refused, Exception: refused},
        routes=[
            Route("/metrics", metrics),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/", status),
        ],
    )


class HttpServer:
    """uvicorn on a thread of its own, without signal handlers (the process has its own).

    Raises OSError at once when the address can't be had.
    """

    def __init__(self, app: Starlette, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family)
        # Connections inherit it: without, an answer waits for the client's delayed ACK.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server = uvicorn.Server(
            uvicorn.Config(
                app, log_config=None, access_log=False, lifespan="off", server_header=False
            )
        )
        self._thread = threading.Thread(target=self._serve, name="chaosd-http", daemon=True)

    @property
    def address(self) -> str:
        """The address that it listens on, as a URL."""
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """End after the requests under way."""
        self._server.should_exit = True
        self._thread.join(seconds)
        self._socket.close()

    def alive(self) -> bool:
        """Whether the thread serves."""
        return self._thread.is_alive()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])
