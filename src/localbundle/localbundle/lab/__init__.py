"""Where people work: JupyterLab on the notebooks, and the kernel "local workspace" with what Databricks' has."""
