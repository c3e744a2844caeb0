import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path
from zipfile import ZipFile

import pandas as pd

root: str = "/Volumes/c/s/v"


def write(frame: pd.DataFrame, name: str) -> None:
    open(root + "/a", "a").close()
    open(os.path.join("/Volumes", "c", "s", "v", name), "a").close()
    (Path("/Volumes") / "c" / name).open("a").close()
    open(file=f"{root}/a", mode="a").close()
    frame.to_csv(path_or_buf=f"{root}/a.csv", mode="a")
    logging.FileHandler(f"{root}/a.log")
    logging.FileHandler(filename=f"{root}/b.log", encoding="utf-8")
    RotatingFileHandler(f"{root}/c.log", maxBytes=1000)
    with ZipFile(f"{root}/a.zip", "w") as archive:
        archive.writestr("a", "b")
    ZipFile(file=f"{root}/b.zip", mode="x").close()
    frame.to_excel(f"{root}/a.xlsx")
    with pd.ExcelWriter(f"{root}/b.xlsx") as writer:
        frame.to_excel(writer)
