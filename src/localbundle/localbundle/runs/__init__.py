"""A run of a job: its DAG, its tasks, and their results."""
