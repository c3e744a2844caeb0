"""The record of every model call: rows written to files, collected into a table."""
