"""What Databricks' own validation misses in a bundle, found without a workspace. One function a rule."""
