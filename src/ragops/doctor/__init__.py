"""Diagnosis of an environment: versions, limits, what is allowed, and what is missing, with the fix."""
