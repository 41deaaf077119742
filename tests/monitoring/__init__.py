"""The dashboard, the alerts and their runbooks."""
