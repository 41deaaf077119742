"""Decisions: pure, given now, randomness and data; they know no clock, network or Kubernetes."""
