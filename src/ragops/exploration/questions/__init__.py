"""The questions that people ask, and how near the corpus is to them."""
