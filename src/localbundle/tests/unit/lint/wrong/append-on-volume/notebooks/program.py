import gzip
import zipfile

import pandas as pd


def write(frame: pd.DataFrame) -> None:
    frame.to_csv("/Volumes/c/s/v/all.csv", mode="a", header=False)
    with zipfile.ZipFile("/Volumes/c/s/v/all.zip", "a") as archive:
        archive.writestr("a", "b")
    gzip.open("/Volumes/c/s/v/b.gz", "at").close()
