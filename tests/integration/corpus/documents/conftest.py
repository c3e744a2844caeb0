"""Sample documents, and parsers that misbehave."""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.document_samples import write_samples


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small file of every format."""
    return write_samples(tmp_path_factory.mktemp("samples"))


# A module of its own, since children import the function by its name.
HOSTILE = '''
import ctypes, multiprocessing, os, re, signal, time
from pathlib import Path
from ragops.corpus.documents.limits import ParseLimits, restart_time_limit
from ragops.corpus.documents.types import ParsedDocument
from ragops.corpus.documents.parsing import parse

def behave(path: Path, limits: ParseLimits) -> ParsedDocument:
    """Performs the action that the file is named after; parses any other file."""
    if path.stem in ACTIONS:
        ACTIONS[path.stem](limits)
    return parse(path, limits)

def hang(limits):
    re.match(r"(a+)+$", "a" * 100 + "b")  # inside C, holding the interpreter's lock

def eat(limits):
    eaten = []
    while True:
        eaten.append(bytearray(16 * 1024 * 1024))

def die(limits):
    os.kill(os.getpid(), signal.SIGKILL)

def crash(limits):
    ctypes.string_at(0)

def leave(limits):
    os._exit(7)

def read_slow_pages(limits):
    for _ in range(3):
        time.sleep(0.5 * limits.timeout_s)
        restart_time_limit(limits.timeout_s)

def outlive(limits):
    multiprocessing.parent_process().join()  # the owner of the pool

def die_once(limits):
    mark = Path(__file__).with_name("died")
    if not mark.exists():
        mark.touch()
        die(limits)

ACTIONS = {f.__name__: f for f in (hang, eat, die, crash, leave, read_slow_pages, outlive, die_once)}
'''


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "hostile_parsers.py").write_text(HOSTILE)
    sys.path.insert(0, str(folder))
    yield import_module("hostile_parsers")
    sys.path.remove(str(folder))
