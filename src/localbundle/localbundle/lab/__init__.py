"""Interactive work: JupyterLab on the notebooks, and the kernel "local workspace" with the features of Databricks'."""
