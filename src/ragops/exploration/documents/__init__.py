"""Which documents there are."""
