"""A run of a job: its DAG, its tasks, and what they leave."""
