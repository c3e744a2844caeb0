"""Mistakes in a bundle that Databricks' own validation misses, found without a workspace. One function per rule."""
