"""The page: what the daemon knows, as HTML for people. Pure data in, text out."""
