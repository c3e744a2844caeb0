"""The table samples.nyctaxi.trips of every Databricks workspace: a small one here, generated, with the same columns."""

import os
from pathlib import Path

TABLE = "samples.nyctaxi.trips"
_ROWS = 5_000
_SKIPPED = ("node_modules", "dist", "build")
_SUFFIXES = (".py", ".ipynb", ".sql")
STATEMENTS = (
    "CREATE SCHEMA IF NOT EXISTS samples.nyctaxi",
    f"""CREATE TABLE IF NOT EXISTS {TABLE} USING delta COMMENT 'Generated: not the trips of New York.' AS
    SELECT pickup AS tpep_pickup_datetime, pickup + make_interval(0, 0, 0, 0, 0, minutes) AS tpep_dropoff_datetime,
      round(minutes * (0.1 + 0.2 * u), 2) AS trip_distance, round(3 + minutes * (0.6 + 0.4 * v), 1) AS fare_amount,
      CAST(10001 + floor(280 * v) AS INT) AS pickup_zip, CAST(10001 + floor(280 * u) AS INT) AS dropoff_zip
    FROM (SELECT timestamp'2016-01-01' + make_interval(0, 0, 0, 0, 0, 17 * id) AS pickup,
      2 + pmod(hash(id), 40) AS minutes, pmod(hash(id, 'u'), 1000) / 1000 AS u, pmod(hash(id, 'v'), 1000) / 1000 AS v
      FROM range({_ROWS}))""",
)
"""What creates the table if it does not exist."""


def is_used(root: Path) -> bool:
    """Whether code of the bundle in `root` names it."""
    for folder, folders, files in os.walk(root):
        folders[:] = [one for one in folders if not one.startswith(".") and one not in _SKIPPED]
        for file in files:
            if file.endswith(_SUFFIXES) and "samples.nyctaxi" in Path(folder, file).read_text("utf-8", "replace"):
                return True
    return False
