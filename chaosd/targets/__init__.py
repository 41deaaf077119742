"""Kinds of victims, one file each: what could be struck, how, and what became of it."""
