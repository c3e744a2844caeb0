"""Vector stores and the lexical index: one interface, one module for each provider."""
