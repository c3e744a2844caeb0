"""Markdown to passages: split by structure, counted in the model's tokens, with ids made from the content."""
