"""Judges: language models that rate answers in four dimensions, each verdict a row, with the bill of all of them."""
