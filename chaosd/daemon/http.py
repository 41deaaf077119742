"""What the daemon serves: metrics, health, the page and the API. Read-only."""

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
from starlette.types import ASGIApp

from chaosd.daemon.api import PREFIX, api_routes
from chaosd.daemon.headers import VARY, SecureHeaders, wants_html
from chaosd.daemon.pages import Pages
from chaosd.daemon.problems import Problem, problem_response
from chaosd.daemon.view import View

_DETAILS = {
    HTTPStatus.NOT_FOUND: f"what there is stands in {PREFIX}/openapi.json",
    HTTPStatus.METHOD_NOT_ALLOWED: "everything here is read-only: GET or HEAD",
    HTTPStatus.INTERNAL_SERVER_ERROR: "chaosd failed to answer: its log says why",
}


class Answers(NamedTuple):
    """Where the answers come from. Health and readiness return complaints, none being well.

    ``view`` is what the page and the API show; without it there is the plain status alone.
    """

    metrics: Callable[[str], tuple[bytes, str]]
    unhealthy: Callable[[], tuple[str, ...]]
    unready: Callable[[], tuple[str, ...]]
    status: Callable[[], str]
    view: View | None = None


def application(answers: Answers) -> ASGIApp:
    """The ASGI application; every route is a GET, and what takes time runs on a worker thread."""
    pages = Pages(answers.view) if answers.view else None

    def metrics(request: Request) -> Response:
        body, content_type = answers.metrics(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type})

    def complaints(found: tuple[str, ...]) -> Response:
        text = "\n".join(found) or "ok"
        return PlainTextResponse(f"{text}\n", 503 if found else 200)

    # On the loop itself: they take no time, and may not wait for a worker thread behind pages.
    async def healthz(_: Request) -> Response:
        return complaints(answers.unhealthy())

    async def readyz(_: Request) -> Response:
        return complaints(answers.unready())

    def status(request: Request) -> Response:
        if pages and wants_html(request.headers.get("accept", "")):
            return pages.home(request)
        return PlainTextResponse(answers.status(), headers=VARY)

    def refused(request: Request, error: Exception) -> Response:
        code, headers = HTTPStatus.INTERNAL_SERVER_ERROR, {}
        if isinstance(error, HTTPException):
            code, headers = HTTPStatus(error.status_code), dict(error.headers or {})
        if pages and request.scope["path"].startswith(f"{PREFIX}/"):
            return problem_response(
                Problem(code.phrase, int(code), _DETAILS.get(code, "")), headers
            )
        if pages and wants_html(request.headers.get("accept", "")):
            return pages.failure(request, code, headers)
        return PlainTextResponse(f"{code.phrase}\n", int(code), headers)

    routes = [
        Route("/metrics", metrics),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/", status),
    ]
    if answers.view and pages:
        routes += [*api_routes(answers.view), *pages.routes()]
    found = Starlette(
        exception_handlers={HTTPException: refused, Exception: refused}, routes=routes
    )
    # A redirect would name the host that the client claims to have asked.
    found.router.redirect_slashes = False
    return SecureHeaders(found)


class HttpServer:
    """uvicorn on a thread of its own, without signal handlers (the process has its own).

    Raises OSError at once when the address can't be had.
    """

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
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
