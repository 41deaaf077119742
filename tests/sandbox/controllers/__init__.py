"""Controllers bring pods back, in virtual time."""
