"""The simulated cluster answers as an API server does."""
