"""Folders that refuse what a volume refuses, in a test's own process and in its child processes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from localbundle.volumes import strict
from localbundle.volumes.environment import environment


@contextmanager
def strict_volumes(folder: Path) -> Iterator[Path]:
    """Makes a folder strict during the block, in addition to those that already are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(strict.VARIABLE, os.pathsep.join(filter(None, [os.environ.get(strict.VARIABLE), str(folder)])))
        for name, value in environment(folder, strict=True).items():
            if name != strict.VARIABLE:
                patch.setenv(name, value)
        strict.install([folder])
        try:
            yield folder
        finally:
            strict.remove([folder])


@contextmanager
def plain(folder: Path) -> Iterator[None]:
    """Makes a folder that is strict, or inside a strict one, plain during the block."""
    above = [root for root in strict.roots() if folder.resolve().is_relative_to(root)]
    strict.remove(above)
    try:
        yield
    finally:
        strict.install(above)
