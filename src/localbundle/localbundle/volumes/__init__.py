"""Volumes of a local workspace: plain folders that are as strict as the real ones."""
