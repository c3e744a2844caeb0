"""Markdown to chunks: split by structure, measured in the model's tokens, with ids derived from the content."""
