"""Killing members of a real etcd cluster over and over, and counting what it cost.

A test support package, and a command: ``python -m tests.soak``. See :mod:`tests.soak.run`.
"""
