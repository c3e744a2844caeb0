"""What the environments and libraries of tasks install: read, compared with this Python, installed with uv."""
