"""A password or a token in a file. No error shows what is in it."""

from __future__ import annotations

from pathlib import Path

from chaosd.calls import NotSent

_LONGEST = 64 << 10


def secret(path: str, what: str) -> str:
    """What is in the file now, without the end of its last line; NotSent says why there is none.

    It is read again each time, as files of Secret volumes change when somebody rotates them.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(_LONGEST + 1)
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else "no path"
        raise NotSent(f"can't read {what} from {path}: {words}") from None
    try:
        text = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise NotSent(f"{path} is no text: it must hold {what} and nothing else") from None
    if not text:
        raise NotSent(f"{path} is empty: it must hold {what}")
    if len(content) > _LONGEST:
        raise NotSent(f"{path} is too long: it must hold {what} and nothing else")
    return text


def sendable(token: str) -> bool:
    """Whether it can stand in a header: printable ASCII without blanks (RFC 9110, section 5.5)."""
    return bool(token) and all("!" <= char <= "~" for char in token)
