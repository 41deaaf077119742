"""The commands. What is slow to import (Kubernetes, the daemon) is imported when it is needed."""
