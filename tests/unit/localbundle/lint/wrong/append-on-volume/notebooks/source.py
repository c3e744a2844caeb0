# Databricks notebook source
# MAGIC %md
# MAGIC open("/Volumes/c/s/v/a", "a")

# COMMAND ----------

catalog = dbutils.widgets.get("catalog")
root = f"/Volumes/{catalog}/docs/land"
with open(f"{root}/log.txt", "a") as file:
    file.write("one")

# COMMAND ----------

this is no Python

# COMMAND ----------

import os
from pathlib import Path

log = os.path.join(root, "log.bin")
open(log, mode="r+b").close()
(Path(root) / "log").open("a+").close()
Path(root, "log").open(mode="ab").close()
open("/Volumes/" + catalog, "at").close()
