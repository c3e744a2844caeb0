"""Measures on the evaluation set, with confidence intervals and paired comparisons."""
