"""Files that people name: the configuration, and lists of workloads."""

from __future__ import annotations

import os
from pathlib import Path

from chaosd.cli.failures import Mistaken, Mistakes
from chaosd.core.model import Configuration, Policy


def load_file(path: Path) -> Configuration:
    """The configuration in a file, under the overrides of the environment; raises Mistakes."""
    # pydantic takes its time, and not every command needs it.
    from chaosd.config.loading import load  # noqa: PLC0415

    loaded = load(path, os.environ)
    if loaded.problems or loaded.configuration is None:
        raise Mistakes(str(path), loaded.problems)
    return loaded.configuration


def policy_of(configuration: Configuration, name: str) -> Policy:
    """The policy of that name; raises Mistaken."""
    policy = configuration.policy(name)
    if policy is None:
        known = ", ".join(sorted(one.name for one in configuration.policies))
        has = f"the file has {known}" if known else "the file has none"
        raise Mistaken(f"no policy is called {name!r}: {has}")
    return policy
