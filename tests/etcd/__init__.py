"""Tests of ``chaosd.etcd`` over real HTTP on loopback."""
