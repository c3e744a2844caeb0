"""What is read of a running system: one module for each source, and the value that all of them make."""
