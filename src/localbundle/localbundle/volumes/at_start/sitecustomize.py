"""What every Python of a workspace runs when it starts: volumes become strict, then the file's namesake has its turn.

Python runs the first sitecustomize on its path, and this folder is put in front (`localbundle.volumes.environment`).
"""

import os
import sys

_FOLDER = os.path.dirname(os.path.abspath(__file__))


def _make_strict() -> None:
    try:
        from localbundle.volumes.strict import install_named
    except ImportError:  # a Python that has no localbundle: the module needs nothing else
        sys.path.insert(0, os.path.dirname(_FOLDER))
        try:
            install_named = __import__("strict").install_named
        finally:
            sys.path.pop(0)
            sys.modules.pop("strict", None)
    install_named(os.environ)


def _run_namesake() -> None:
    """Runs the sitecustomize that this one hides."""
    mine = sys.modules.pop("sitecustomize")
    places = [index for index, place in enumerate(sys.path) if os.path.abspath(place) == _FOLDER]
    for index in reversed(places):
        del sys.path[index]
    try:
        __import__("sitecustomize")
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        sys.path[:0] = [_FOLDER] if places else []
        sys.modules.setdefault("sitecustomize", mine)


_make_strict()
_run_namesake()
