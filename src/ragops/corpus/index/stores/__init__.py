"""Vector stores and the word index: one interface, one module per provider."""
