# Databricks notebook source
import os
from pathlib import Path

from databricks.sdk.runtime import dbutils, spark

volume = "/Volumes/c/s/v"
with open(f"{volume}/a", "w") as file:
    file.write("one")
open(volume + "/a").close()
open(volume + "/a", "rb").close()
Path(volume, "b").open("x").close()
os.path.join(volume, "a")
spark.read.table("t").write.save(f"{volume}/t", mode="append")
spark.read.table("t").write.mode("append").save(f"{volume}/t")

# COMMAND ----------

volume = "/tmp"
open(f"{volume}/log", "a").close()
open("/local_disk0/tmp/log", mode="a").close()
open(dbutils.widgets.get("log"), "a").close()
