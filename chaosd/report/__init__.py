"""What people see: metrics, logs and the plain status page."""
