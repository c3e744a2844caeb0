"""The place that the library runs in, as far as the stages must know it."""
