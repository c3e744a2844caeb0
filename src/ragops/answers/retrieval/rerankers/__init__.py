"""Cross-encoders that rerank passages: one interface, one module per runtime."""
