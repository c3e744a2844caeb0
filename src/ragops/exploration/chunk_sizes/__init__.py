"""The corpus divided into chunks of several sizes."""
