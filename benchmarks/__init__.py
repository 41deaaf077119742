"""Measurements: each prints figures of one run and ratios between them."""
