"""Scheduled chaos for Kubernetes that keeps its promises."""
