"""What a client's Accept header asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.daemon.headers import wants_html


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        ("text/html", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", True),
        ("text/plain;q=0.5, text/html", True),
        ("text/html;level=1; q=0.4", True),
        ("", False),
        ("*/*", False),
        ("text/*", False),
        ("text/plain", False),
        ("text/html;q=0", False),
        ("text/html;q=much", False),
        ("text/html;q=0.5, text/plain", False),
        ("application/json", False),
        ("html", False),
    ],
)
def test_who_gets_html(accept: str, html: bool) -> None:
    """Whoever asks for it by name, and not more for plain text."""
    assert wants_html(accept) is html


@given(st.text(max_size=80))
def test_nonsense_is_no_error(accept: str) -> None:
    """Whatever stands there."""
    assert wants_html(accept) in (True, False)
