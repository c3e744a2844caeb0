"""Better instructions for a prompt: a model proposes them, questions try them, other questions decide."""
