"""Retrieval-augmented generation on the lakehouse: what the bundle's notebooks and jobs call."""
