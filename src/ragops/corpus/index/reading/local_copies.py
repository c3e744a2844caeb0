"""This machine's copies of published generations: made once, shared by processes, removed when no longer in use."""

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
    """A copy in use, which is not pruned until `release`."""

    directory: Path
    descriptor: int

    def release(self) -> None:
        """Ends the use of the copy."""
        os.close(self.descriptor)

    def discard(self) -> None:
        """Removes a copy that cannot be opened, so that the next attempt copies again."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self.release()


class LocalCopies:
    """Copies of one index's generations under one directory of a local disk.

    A process that uses a copy has a shared `flock` on its directory, which the kernel releases when the process ends.
    """

    def __init__(self, index: PublishedIndex, directory: Path) -> None:
        """`index`: the source; `directory`: used only for its copies."""
        self._index = index
        self._directory = directory

    def acquire(self, generation: str) -> LocalCopy:
        """The copy of a generation, made if necessary. Raises UserError if the generation cannot be read."""
        # A number can be reused after rollback and garbage collection; a manifest's content cannot.
        digest = hashlib.sha256(self._index.manifest_bytes(generation)).hexdigest()[:12]
        copy = self._directory / f"{generation}-{digest}"
        while True:
            if not copy.is_dir():
                self._make(generation, copy)
            if (descriptor := _share(copy)) is not None:
                return LocalCopy(copy, descriptor)

    def prune(self) -> None:
        """Removes copies that no process uses, including incomplete ones of ended processes."""
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
        self._directory.chmod(0o700)  # the volume's access rights do not apply to the copy
        descriptor = _share(temporary)  # so that no other process prunes it
        try:
            self._index.copy(generation, temporary)
            if self._index.remote:
                _check_arrived(generation, temporary)
            if not copy.is_dir():
                os.rename(temporary, copy)
        except OSError as error:
            raise UserError(
                f"index generation {generation} cannot be copied to {self._directory} ({error.strerror or error}): "
                "free disk space, or run the refresh job if the generation is damaged"
            ) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            if descriptor is not None:
                os.close(descriptor)


def _check_arrived(generation: str, copy: Path) -> None:
    if changed := differing(file_digests(copy), read_manifest(copy).files):
        raise UserError(
            f"index generation {generation}: {min(changed)} differs from the manifest; try again, or run the "
            "refresh job"
        )


def _share(directory: Path) -> int | None:
    """A descriptor with a shared lock, or None if the directory was pruned before it was locked."""
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
