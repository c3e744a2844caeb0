"""Cross-encoders that rerank passages: one interface, one module for each runtime."""
