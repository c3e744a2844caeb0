"""Wheels written by hand, so that tests need no build and no network."""

import base64
import hashlib
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path


def write_wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    files: Mapping[str, str] | None = None,
    requires: Iterable[str] = (),
    scripts: Mapping[str, str] | None = None,
    extras: Mapping[str, str] | None = None,
) -> Path:
    """Writes a wheel of one package, whose module has its version in `version`.

    Args:
        folder: created if it does not exist.
        name: of the package.
        version: of the package.
        files: in place of the module.
        requires: what it depends on.
        scripts: its entry points, "module:function" by name.
        extras: what an extra depends on, by its name.
    """
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}", *(f"Requires-Dist: {one}" for one in requires)]
    for extra, required in (extras or {}).items():
        lines += [f"Provides-Extra: {extra}", f'Requires-Dist: {required} ; extra == "{extra}"']
    entries = "".join(f"{script} = {function}\n" for script, function in (scripts or {}).items())
    texts = {
        **(files or {f"{module}/__init__.py": f"version = {version!r}\n"}),
        f"{info}/METADATA": "\n".join(lines) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{entries}",
    }
    record = "".join(f"{path},sha256={_hash(text)},{len(text.encode())}\n" for path, text in texts.items())
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in {**texts, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(path, text)
    return wheel


def _hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
