"""The feed's endpoint."""
