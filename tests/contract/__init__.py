"""What an API server answers, held against the sandbox and (with --real) against a real one."""
