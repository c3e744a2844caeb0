"""Folders that refuse what a volume refuses, in a test's own process and in those that it starts."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from localbundle.volumes import strict
from localbundle.volumes.environment import environment


@contextmanager
def strict_volumes(folder: Path) -> Iterator[Path]:
    """Makes a folder strict for a while, beside those that are."""
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
    """Lets a test do to a folder, strict or inside of a strict one, what a volume has no calls for."""
    above = [root for root in strict.roots() if folder.resolve().is_relative_to(root)]
    strict.remove(above)
    try:
        yield
    finally:
        strict.install(above)
