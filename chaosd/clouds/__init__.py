"""Clouds that can end the machines of nodes, one class for each."""
