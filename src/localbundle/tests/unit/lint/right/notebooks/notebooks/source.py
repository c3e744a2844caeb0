# Databricks notebook source
# MAGIC %md
# MAGIC The job passes `{{job.parameters.size}}` and ${var.catalog}.

# COMMAND ----------

# The bundle says ${var.catalog}.
size = dbutils.widgets.get("size")  # noqa: F821
path, template = f"${size}", "{{ name }} ${HOME} ${name.first}"
