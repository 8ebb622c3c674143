"""Our backend for PostgreSQL."""
