"""The syntax of label and annotation keys and of label values.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
"""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
_DNS_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_DNS_LABEL}(?:\.{_DNS_LABEL})*")


def key_problem(key: str) -> str | None:
    """What is wrong with a label or annotation key, or None."""
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > 253 or not _SUBDOMAIN.fullmatch(prefix)):
        return (
            f"{key!r} is no label key: what stands before / must be a DNS name in lower case"
            " of at most 253 characters, like example.com"
        )
    if len(name) > 63 or not _NAME.fullmatch(name):
        return (
            f"{key!r} is no label key: expected at most 63 letters, digits, '-', '_' and '.',"
            " with a letter or digit first and last"
        )
    return None


def value_problem(value: str) -> str | None:
    """What is wrong with a label value, or None; an empty one is legal."""
    if value and (len(value) > 63 or not _NAME.fullmatch(value)):
        return (
            f"{value!r} is no label value: expected at most 63 letters, digits, '-', '_' and '.',"
            " with a letter or digit first and last"
        )
    return None
