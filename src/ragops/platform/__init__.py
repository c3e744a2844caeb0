"""What the library knows about its environment: workspace, compute, volumes, tables, credentials, MLflow, consoles."""
