"""Tests of chaosd.kube."""
