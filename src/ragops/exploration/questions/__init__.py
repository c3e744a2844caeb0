"""Which questions people ask, and which of them the corpus answers."""
