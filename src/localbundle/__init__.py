"""Runs the jobs of a Databricks asset bundle on this machine, on real Spark and Delta."""
