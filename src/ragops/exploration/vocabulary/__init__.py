"""The corpus's words."""
