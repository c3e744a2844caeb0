"""The local workspace of a target: its Spark server, volumes, schemas and processes."""
