import logging
import os
from pathlib import Path
from zipfile import ZipFile

import pandas as pd

root: str = "/Volumes/c/s/v"
local: str
root_of_disk: str = "/local_disk0/tmp"


def write(path: str, frame: pd.DataFrame) -> None:
    with open(path, "a") as file:
        file.write("/Volumes/c/s/v")
    open(file=f"{root}/a", mode="w").close()
    open(file=path, mode="a").close()
    open("/VolumesNot/a", "a").close()
    (Path("/Volumes") / "c" / "a").open().close()
    logging.FileHandler(f"{root}/a.log", "w")
    logging.FileHandler(f"{root}/a.log", mode="w")
    logging.FileHandler(os.path.join(root_of_disk, "a.log"))
    with ZipFile(f"{root}/a.zip") as archive:
        archive.extractall(root)
    ZipFile(f"{root_of_disk}/a.zip", "w").close()
    frame.to_excel(f"{root_of_disk}/a.xlsx")
    pd.read_excel(f"{root}/a.xlsx")
