"""The landing folder may be a mounted volume, which refuses much of what a disk can do."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image

WATCH = """
import json, os, sys
from pathlib import Path
folder, touched = sys.argv[1], []

def note(event, args):
    if event == "mmap.__new__" and args[0] >= 0:
        touched.append([event, os.readlink(f"/proc/self/fd/{args[0]}") if os.path.isdir("/proc/self") else "?"])
    elif event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND):
        touched.append([event, str(args[0])])
    elif event.split(".")[0] in ("os", "shutil", "fcntl", "tempfile") and args and event not in READING:
        touched.append([event, str(args[0])])

READING = ("os.listdir", "os.scandir")
from ragops.corpus.documents.landing import content_hash, list_files
from ragops.corpus.documents.types import Unparsable
from ragops.corpus.documents.parsing import ParseLimits, parse
sys.addaudithook(note)
read = 0
for file in list_files(Path(folder)):
    path = Path(folder, file.path)
    if file.path != "endless.pdf":
        content_hash(path)
        try:
            parse(path, ParseLimits())
        except Unparsable:
            pass
        read += 1
print(json.dumps({"read": read, "touched": [pair for pair in touched if pair[1].startswith(folder)]}))
"""


def test_files_are_opened_for_reading_only_and_never_mapped_into_memory(samples: Path, tmp_path: Path) -> None:
    """As reported by Python's audit events, which cover the libraries too."""
    folder = tmp_path / "landing"
    shutil.copytree(samples, folder)
    Image.new("L", (64, 64)).save(folder / "grey.bmp")  # pixels in Pillow's own layout, which it would map into memory
    done = subprocess.run([sys.executable, "-c", WATCH, str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["read"] == len(list(folder.iterdir())) - 1
    assert seen["touched"] == []
