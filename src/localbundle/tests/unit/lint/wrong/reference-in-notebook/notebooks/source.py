# Databricks notebook source
# MAGIC %md
# MAGIC Reads ${var.catalog}.

# COMMAND ----------

# The catalog is ${var.catalog} in the bundle.
catalog = "${var.catalog}"
run = "{{job.run_id}}"

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT * FROM ${resources.schemas.docs.name}.chunks
