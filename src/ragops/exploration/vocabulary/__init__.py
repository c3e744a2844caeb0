"""Which words the corpus uses."""
