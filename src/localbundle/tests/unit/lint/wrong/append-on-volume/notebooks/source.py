# Databricks notebook source
# MAGIC %md
# MAGIC open("/Volumes/c/s/v/a", "a")

# COMMAND ----------

import os
from pathlib import Path

from databricks.sdk.runtime import dbutils

catalog = dbutils.widgets.get("catalog")
root = f"/Volumes/{catalog}/docs/land"
with open(f"{root}/log.txt", "a") as file:
    file.write("one")

# COMMAND ----------

log = os.path.join(root, "log.bin")
open(log, mode="r+b").close()
(Path(root) / "log").open("a+").close()
Path(root, "log").open(mode="ab").close()
open("/Volumes/" + catalog, "a").close()
