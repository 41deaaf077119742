"""Tests of chaosd/daemon: threads, HTTP, signals, and the daemon as a process of its own."""
