"""What runs inside a kernel, and the kernels themselves."""
