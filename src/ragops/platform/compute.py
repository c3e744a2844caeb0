"""What kind of compute this is, where that decides how a stage works."""

import os


def on_serverless() -> bool:
    """True where functions of Spark's workers have too little for whole documents, and for endpoints: on serverless.

    There they have 1 GB in all, no network, and files of their own. Serverless compute calls its version "client.5.2"
    and the like, clusters theirs "18.1". Whatever is no cluster's counts as serverless: this process, to which the work
    then comes, can do it anywhere.
    """
    version = os.environ.get("DATABRICKS_RUNTIME_VERSION")
    return version is not None and not version[:1].isdigit()
