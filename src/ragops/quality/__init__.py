"""How good answers are: evaluation questions, evaluation, optimization."""
