"""The publish lock: one publisher of an index at a time, on a laptop by the kernel, in a workspace by a Delta table."""
