"""Runs the jobs of a Databricks asset bundle on this machine; knows bundles, jobs and notebooks."""
