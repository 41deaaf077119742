"""Headers of every answer, and what a client asks for in its own."""

from __future__ import annotations

from collections.abc import Callable
from email.message import Message

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as Sent

VARY = {"Vary": "Accept"}
SECURE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Nothing is stored, guessed at, framed, or loaded from anywhere else."""

_HTML = ("text/html", "application/xhtml+xml")


class SecureHeaders:
    """ASGI: adds the headers of ``SECURE`` to every answer that does not set them itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""

        async def sent(message: Sent) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, text in SECURE.items():
                    headers.setdefault(name, text)
            await send(message)

        await self._app(scope, receive, sent)


def leading(to: str) -> Callable[[Request], RedirectResponse]:
    """A redirect to a relative address: it holds behind any prefix, and names no host."""
    return lambda _: RedirectResponse(to)


def wants_html(accept: str) -> bool:
    """Whether an Accept header asks for HTML by name, and for plain text no more than that.

    Browsers do. curl accepts anything, and gets text.
    """
    wanted = dict(map(_weighed, accept.split(",")))
    html = max(wanted.get(kind, 0.0) for kind in _HTML)
    return html > 0 and html >= wanted.get("text/plain", 0.0)


def _weighed(text: str) -> tuple[str, float]:
    """A media type, and its weight."""
    message = Message()
    message["Content-Type"] = text.strip()
    try:
        weight = float(str(message.get_param("q", "1")))
    except ValueError:
        weight = 0.0
    return message.get_content_type() if "/" in text else "", weight
