"""Pictures of the status page for README and docs, taken of the real one (`make pictures`)."""

from __future__ import annotations
