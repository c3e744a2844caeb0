"""Reading the published index: the live generation, copied to local disk."""
