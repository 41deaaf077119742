"""The pictures of the status page in README and docs."""
