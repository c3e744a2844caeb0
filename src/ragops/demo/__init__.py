"""A corpus that needs no download, and questions about it whose answers are known."""
