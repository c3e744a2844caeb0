"""Measures of a corpus and its questions, and what they suggest for usecase.yml."""
