"""The process: threads, APScheduler, HTTP and signals around the engine's actors."""
