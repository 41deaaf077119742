"""The API server: sign-in, errors, paged typed reads, versioned objects, Events, permissions."""
