"""What holds for every test."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A slow machine is no failure, and a run of CI can be repeated as it was.
settings.register_profile(
    "chaosd",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
    print_blob=True,
)
settings.load_profile("chaosd")
