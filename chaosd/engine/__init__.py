"""The engine: attempts and the loops around them, over ports alone.

Loops are actors: ``step()`` does what is due and returns when it wants to be called again. Nothing
here knows a thread, a sleep or a scheduler, so tests drive it in virtual time.
"""
