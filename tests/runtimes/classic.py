"""Runs a notebook's code in a classic Spark session: `python classic.py SPARK_PROPERTIES NOTEBOOK PARAMETERS_JSON`.

GPU clusters have such a session. It uses the catalog, warehouse and Delta of the local workspace, whose Connect server
must be down: the metastore accepts one process at a time.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from localbundle.kernels.dbutils import Context, DBUtils
from pyspark.sql import SparkSession

_OF_THE_SERVER = ("spark.plugins", "spark.connect.", "spark.master", "spark.app.name")


def classic_session(properties: Path) -> SparkSession:
    """A session on two cores with a server's configuration, without the options of the server itself."""
    lines = properties.read_text("utf-8").splitlines()
    kept = [line for line in lines if line.strip() and not line.startswith(_OF_THE_SERVER)]
    with tempfile.NamedTemporaryFile("w", suffix=".properties", delete=False) as own:
        own.write("\n".join(kept))
    # Options of Java have an effect only before it starts.
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"--master local[2] --properties-file {own.name} pyspark-shell"
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    return SparkSession.builder.appName("classic").getOrCreate()


def main() -> None:
    """Prints the kind of session, runs the cells, and checks that all texts have vectors."""
    properties, notebook, given = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
    spark = classic_session(properties)
    kind = f"{type(spark).__module__}.{type(spark).__name__}"
    assert kind == "pyspark.sql.session.SparkSession", kind
    print(f"{kind} of Spark {spark.version}, {spark.sparkContext.master}")
    with tempfile.TemporaryDirectory() as run_folder:
        context = Context(
            task="embed",
            folder=str(notebook.parent),
            parameters=given,
            run_folder=run_folder,
            home=os.environ["LOCALBUNDLE_HOME"],
        )
        names = {"spark": spark, "sql": spark.sql, "dbutils": DBUtils(context), "display": print}
        os.chdir(notebook.parent)
        for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), notebook.name, "exec"), names)
        check(names)
    spark.stop()


def check(names: dict[str, Any]) -> None:
    """Checks that every text has a vector; prints how many were embedded."""
    from ragops.corpus.embeddings.stage import texts_to_embed

    left = texts_to_embed(names["workspace"], names["use_case"].embedding).count()
    assert left == 0, f"{left} texts have no vector"
    print(f"{names['report'].read} texts embedded, none left")


if __name__ == "__main__":
    main()
