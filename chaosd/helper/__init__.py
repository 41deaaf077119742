"""The program inside a helper pod: it strikes once what it was told, or does nothing.

It stands alone: the standard library, and nothing else of chaosd, so that it starts fast and can be
read at a sitting. How it ends, with one line that says why, on stderr and in the termination log:

- 0: it has struck.
- 2: its arguments are malformed.
- 3: it refused: something is not as it was told, or not certain. Nothing was done.
- 4: what it was to strike is not there (any more). Nothing was done.
"""
