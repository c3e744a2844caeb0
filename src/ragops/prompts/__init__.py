"""Prompts: versioned templates and the messages they become."""
