"""Tests of chaosd.targets."""
