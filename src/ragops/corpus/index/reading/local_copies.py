"""This machine's copies of published generations: made once, shared by processes, pruned when nobody reads them."""

import fcntl
import hashlib
import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from ragops.corpus.index.generations.manifest import differing, file_digests, read_manifest
from ragops.corpus.index.generations.published_files import PublishedIndex
from ragops.errors import UserError

_COPYING = ".copying-"


@dataclass(frozen=True, slots=True)
class LocalCopy:
    """A copy in use: nobody prunes it until `release`."""

    directory: Path
    descriptor: int

    def release(self) -> None:
        """Lets go of the copy."""
        os.close(self.descriptor)

    def discard(self) -> None:
        """Lets go of a copy that cannot be opened, and of its place, so that the next try copies again."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self.release()


class LocalCopies:
    """Copies of one index's generations under one directory of a local disk.

    In use means: a process holds a shared `flock` on the copy's directory; the system drops it when the process ends.
    """

    def __init__(self, index: PublishedIndex, directory: Path) -> None:
        """Copies from `index`; `directory` belongs to it alone."""
        self._index = index
        self._directory = directory

    def acquire(self, generation: str) -> LocalCopy:
        """The copy of a generation, made if need be. Raises UserError when the generation cannot be read."""
        # A number can come again after rollback and garbage collection; what the manifest says does not.
        digest = hashlib.sha256(self._index.manifest_bytes(generation)).hexdigest()[:12]
        copy = self._directory / f"{generation}-{digest}"
        while True:
            if not copy.is_dir():
                self._make(generation, copy)
            if (descriptor := _share(copy)) is not None:
                return LocalCopy(copy, descriptor)

    def prune(self) -> None:
        """Removes copies that no process uses, half-made ones of ended processes too."""
        for path in self._directory.iterdir():
            descriptor = _open(path)
            if descriptor is None:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            except BlockingIOError:
                pass  # in use
            finally:
                os.close(descriptor)

    def _make(self, generation: str, copy: Path) -> None:
        temporary = self._directory / f"{_COPYING}{uuid.uuid4().hex}"
        temporary.mkdir(parents=True)
        self._directory.chmod(0o700)  # a copy is readable by whom the volume's rights no longer protect it from
        descriptor = _share(temporary)  # so that no other process prunes it meanwhile
        try:
            self._index.copy(generation, temporary)
            if self._index.remote:
                _check_arrived(generation, temporary)
            if not copy.is_dir():
                os.rename(temporary, copy)
        except OSError as error:
            raise UserError(
                f"index generation {generation} cannot be copied to {self._directory} ({error.strerror or error}): "
                "free disk space there, or run the refresh job if the generation is damaged"
            ) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            if descriptor is not None:
                os.close(descriptor)


def _check_arrived(generation: str, copy: Path) -> None:
    if changed := differing(file_digests(copy), read_manifest(copy).files):
        raise UserError(
            f"index generation {generation}: {min(changed)} is not what the manifest says: run the refresh job, "
            "if trying again does not help"
        )


def _share(directory: Path) -> int | None:
    """A descriptor with a shared lock, or None when the directory was pruned before it was locked."""
    descriptor = _open(directory)
    if descriptor is None:
        return None
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    try:
        if os.path.samestat(os.fstat(descriptor), os.stat(directory)):
            return descriptor
    except FileNotFoundError:
        pass
    os.close(descriptor)
    return None


def _open(directory: Path) -> int | None:
    try:
        return os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return None
