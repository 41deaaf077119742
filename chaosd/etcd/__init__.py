"""etcd members through the JSON gateway of their client ports, and the age of their backups.

:mod:`~chaosd.etcd.gateway` and :mod:`~chaosd.etcd.backups` fit the protocols of
``chaosd.targets.etcd_gateway`` (rooms beside each other don't import each other).
"""
