"""Tests that need a real control plane, and the control plane. They run with --real only."""
