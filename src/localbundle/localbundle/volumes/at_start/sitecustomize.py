"""Runs when any Python of a workspace starts: makes volumes strict, then runs the sitecustomize that this one hides.

Python runs the first sitecustomize on its path, and this folder is put in front (`localbundle.volumes.environment`).
"""

import os
import sys

_FOLDER = os.path.dirname(os.path.abspath(__file__))


def _make_strict() -> None:
    try:
        from localbundle.volumes.strict import install_named
    except ImportError:  # a Python without localbundle: the module needs nothing else
        sys.path.insert(0, os.path.dirname(_FOLDER))
        try:
            install_named = __import__("strict").install_named
        finally:
            sys.path.pop(0)
            sys.modules.pop("strict", None)
    install_named(os.environ)


def _run_hidden() -> None:
    """Runs the sitecustomize that this one hides."""
    mine = sys.modules.pop("sitecustomize")
    indexes = [index for index, folder in enumerate(sys.path) if os.path.abspath(folder) == _FOLDER]
    for index in reversed(indexes):
        del sys.path[index]
    try:
        __import__("sitecustomize")
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        sys.path[:0] = [_FOLDER] if indexes else []
        sys.modules.setdefault("sitecustomize", mine)


_make_strict()
_run_hidden()
