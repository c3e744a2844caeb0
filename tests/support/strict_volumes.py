"""Folders that refuse what a volume refuses, in a test's own process and in those that it starts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from localbundle.volumes import strict
from localbundle.volumes.environment import environment


@contextmanager
def strict_volumes(folder: Path) -> Iterator[Path]:
    """Makes a folder strict for a while."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(folder, strict=True).items():
            patch.setenv(name, value)
        strict.install([folder])
        try:
            yield folder
        finally:
            strict.remove([folder])


@contextmanager
def plain(folder: Path) -> Iterator[None]:
    """Lets a test damage a strict folder in ways that a volume has no calls for."""
    strict.remove([folder])
    try:
        yield
    finally:
        strict.install([folder])
