"""Evaluation sets: read from files or MLflow, versioned by content, and extended by cases that people accept."""
