"""How fast, how small, how quiet chaosd is: ``python -m benchmarks`` measures all of it.

Seconds differ from machine to machine; a ratio against something measured in the same run does so
much less. What was measured, and what follows from it, stands in docs/performance.md.
"""
