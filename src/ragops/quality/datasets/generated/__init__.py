"""Questions that a model writes from passages of the corpus, and the checks that each has to pass."""
