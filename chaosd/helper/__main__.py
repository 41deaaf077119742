"""``python -m chaosd.helper``."""

from __future__ import annotations

import sys

from chaosd.helper.program import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
