"""Prompt optimization: a model proposes instructions, training questions try them, held-out questions decide."""
