"""Tests in a real browser, on the page of a daemon in the sandbox. They run with --real only."""
