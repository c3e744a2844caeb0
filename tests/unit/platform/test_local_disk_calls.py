"""Calls that a volume refuses, and writes outside `platform.volumes`, are for local disks only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import ragops

_ROOT = Path(ragops.__file__).parent
# Calls that a volume refuses, or that write to a path.
_CALLS = {
    "os": {"rename", "replace", "renames", "link", "symlink", "chmod", "chown", "utime", "truncate"},
    "shutil": {"copy", "copy2", "copymode", "copystat", "copytree", "move", "make_archive"},
    "fcntl": {"flock", "lockf"},
    "path": {"rename", "symlink_to", "hardlink_to", "chmod", "touch", "write_text", "write_bytes"},
}
# These write to local disk: this machine's cache, a temporary folder, the local workspace, the checkout.
_LOCAL = {
    "platform/mlflow_store.py": {"os.link"},
    "platform/credentials.py": {"os.link", "touch", "write_bytes"},
    "doctor/udf_worker.py": {"write_text"},
    "doctor/volumes.py": {
        "fcntl.flock",
        "os.chmod",
        "os.link",
        "os.rename",
        "os.symlink",
        "os.utime",
    },  # expected to be refused
    "corpus/documents/parsers/docx.py": {"write_bytes"},  # an embedded document, in a temporary folder
    "corpus/embeddings/conversion.py": {"rename"},
    "corpus/embeddings/export.py": {"write_text"},
    "corpus/embeddings/onnx_export.py": {"write_text"},
    "corpus/embeddings/torch_files.py": {"write_text"},
    "corpus/embeddings/maven.py": {"open", "rename", "fcntl.flock"},
    "corpus/embeddings/upload.py": {"rename"},
    "corpus/index/access.py": {"write_text"},
    "corpus/index/reading/local_copies.py": {"fcntl.flock", "os.rename", "chmod"},
    "corpus/index/generations/draft.py": {"rename"},
    "corpus/index/stores/bm25.py": {"write_text"},
    "corpus/index/locks/local.py": {"fcntl.flock"},
    "corpus/index/generations/manifest.py": {"write_text"},
    "corpus/index/generations/published_files.py": {"write_bytes"},
    "answers/prompts/template_files.py": {"write_text"},
    "platform/volumes/interface.py": {"open"},
    "platform/volumes/mounted.py": {"open"},
    "quality/datasets/store.py": {"os.replace"},  # a volume gets whole files instead
    "quality/judges/examples.py": {"write_text"},  # beside the use case
    "quality/feedback/export.py": {"open"},  # where the user says, in one sequential write
    "serving/model/log_model.py": {"shutil.copytree"},
    "answers/retrieval/rerankers/export.py": {"write_text"},
}


def _found(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            if _opens_to_write(node):
                yield "open"
            elif isinstance(node.func, ast.Attribute):
                yield from _refused(node.func)


def _opens_to_write(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    given = [*call.args, *(word.value for word in call.keywords if word.arg == "mode")]
    modes = [one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return name == "open" and any(set(mode) <= set("rwaxbt+") and set(mode) & set("wax+") for mode in modes)


def _refused(function: ast.Attribute) -> Iterator[str]:
    owner, name = function.value, function.attr
    module = owner.id if isinstance(owner, ast.Name) and owner.id in _CALLS else "path"
    if name in _CALLS[module]:
        yield name if module == "path" else f"{module}.{name}"


def test_calls_that_volumes_refuse_are_for_local_disks_only() -> None:
    found = {file.relative_to(_ROOT).as_posix(): set(_found(file)) for file in _ROOT.rglob("*.py")}
    assert {name: calls for name, calls in found.items() if calls} == _LOCAL
