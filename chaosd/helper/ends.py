"""How the helper ends without having struck."""

from __future__ import annotations


class Ended(Exception):
    """It did nothing; the message says why."""

    code = 3


class Malformed(Ended):
    """Its arguments make no sense."""

    code = 2


class Refused(Ended):
    """Something is not as it was told, or can't be proven."""


class Gone(Ended):
    """What it was to strike is not there (any more): perhaps it was struck before."""

    code = 4
