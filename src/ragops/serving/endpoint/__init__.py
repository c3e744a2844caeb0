"""The Databricks serving endpoint of the chain."""
