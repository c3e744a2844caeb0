# Databricks notebook source
from databricks.sdk.runtime import dbutils

r = 3

# COMMAND ----------

# MAGIC %pip install requests

# COMMAND ----------

dbutils.library.restartPython()

# COMMAND ----------

# MAGIC %scala
# MAGIC val x = 1

# COMMAND ----------

context = dbutils.notebook.entry_point.getDbutils().notebook().getContext()
print(dbutils.notebook.run("./other", 60))
# dbutils.fs.mount("a", "b")
dbutils.fs.mount("s3a://a", "/mnt/b")
print(dbutils.secrets.list("scope"), 7 % r.size)
