"""The Grafana dashboard, made from code: ``python -m monitoring`` writes it (`make monitoring`).

Not part of the chaosd package. To add a panel, write it in the module of its row; to add a row,
write a module with a ``ROW`` and name it in :mod:`monitoring.dashboard`.
"""
