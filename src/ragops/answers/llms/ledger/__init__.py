"""The record of every model call: rows spooled to files, collected into a table."""
