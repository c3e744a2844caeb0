"""Kernels, and the code that runs inside them."""
