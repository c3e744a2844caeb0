"""Records each task's requests to the catalog as lines of JSON: statements, tables, volumes, secrets, MLflow.

First on PYTHONPATH (`tests.support.recorded`), so that kernels, their children and Spark's workers run it when they
start. Modules are patched when they are imported, since importing them here would slow down every process.
"""

import importlib.abc
import importlib.machinery
import json
import os
import sys

_FILE, _HOME = os.environ.get("RAGOPS_RECORD", ""), os.path.realpath(os.environ.get("LOCALBUNDLE_HOME", "."))
_VOLUMES, _SECRETS = os.path.join(_HOME, "Volumes") + os.sep, os.path.join(_HOME, "secrets.json")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_ON_FILES = {"os.mkdir": "write", "os.remove": "write", "os.rmdir": "write", "os.listdir": "read", "os.scandir": "read"}


def note(kind, what, name=""):
    """Appends a line in one write, since several processes share the file."""
    task, schema = os.environ.get("RAGOPS_RECORD_TASK", ""), os.environ.get("RAGOPS_RECORD_SCHEMA", "")
    line = json.dumps({"task": task, "schema": schema, "kind": kind, "what": what, "name": name}) + "\n"
    descriptor = os.open(_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def _audit(event, arguments):
    """Python's audit events about files below Volumes."""
    if event == "open":
        path, _, flags = arguments
        _touched(path, "write" if isinstance(flags, int) and flags & _WRITING else "read")
    elif event in _ON_FILES:
        # Creating a folder that exists only reads it.
        is_read = event == "os.mkdir" and _is_there(arguments[0])
        _touched(arguments[0], "read" if is_read else _ON_FILES[event])


def _is_there(path, look=os.stat):
    try:
        look(path)
    except OSError:
        return False
    return True


def _touched(path, how):
    if not isinstance(path, str | os.PathLike):
        return
    full = os.path.abspath(os.fspath(path)) if not isinstance(path, bytes) else ""
    if full == _SECRETS:
        note("secret", "read")
    elif full.startswith(_VOLUMES):
        note("volume", how, full[len(_VOLUMES) :])


def _stat(plain):
    """There is no event for stat, which checks whether a volume exists."""

    def stat(path, *arguments, **options):
        _touched(path, "read")
        return plain(path, *arguments, **options)

    return stat


def _take_task(kernel):
    plain = kernel.begin

    def begin(context):
        result = json.loads(context)
        os.environ["RAGOPS_RECORD_TASK"] = result["task"]
        os.environ["RAGOPS_RECORD_SCHEMA"] = result["parameters"].get("schema", "")
        plain(context)

    kernel.begin = begin


def _take_stub(module):
    """Records each request of Spark's client."""
    stub = module.SparkConnectServiceStub
    plain = stub.__init__

    def __init__(self, channel):
        plain(self, channel)
        for call in ("ExecutePlan", "AnalyzePlan"):
            setattr(self, call, _noting(getattr(self, call)))

    stub.__init__ = __init__


def _noting(call):
    def send(request, *arguments, **options):
        _walk(request)
        return call(request, *arguments, **options)

    return send


def _walk(message):
    """Records a plan's statements, the tables that it reads and writes, and its catalog commands."""
    kind = message.DESCRIPTOR.name
    if kind == "SQL":
        note("sql", message.query)
    elif kind == "NamedTable":
        note("table", "read", message.unparsed_identifier)
    elif kind in ("WriteOperation", "WriteOperationV2", "MergeIntoTableCommand", "CreateDataFrameViewCommand"):
        note("plan", kind)
    elif kind == "Catalog":
        note("catalog", message.WhichOneof("cat_type"))
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.GetOptions().map_entry is False:
            for one in value if field.is_repeated else (value,):
                _walk(one)


def _take_registry(module):
    _wrap(module.SqlAlchemyStore, "registry")


def _take_tracking(module):
    _wrap(module.SqlAlchemyStore, "tracking")


def _wrap(store, kind):
    """Records calls of the store's public methods, which in a workspace are requests to the service."""
    for name, method in list(vars(store).items()):
        if callable(method) and not name.startswith("_") and not isinstance(method, type | staticmethod | classmethod):
            setattr(store, name, _called(kind, name, method))


def _called(kind, name, method):
    def call(self, *arguments, **options):
        first = options.get("name", arguments[0] if arguments else "")
        note(kind, name, first if isinstance(first, str) else "")
        return method(self, *arguments, **options)

    return call


_PATCHES = {
    "localbundle.kernels.bootstrap": _take_task,
    "pyspark.sql.connect.proto.base_pb2_grpc": _take_stub,
    "mlflow.store.model_registry.sqlalchemy_store": _take_registry,
    "mlflow.store.tracking.sqlalchemy_store": _take_tracking,
}


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        patch = _PATCHES.get(name)
        spec = importlib.machinery.PathFinder.find_spec(name, path) if patch else None
        if spec is not None and spec.loader is not None:
            plain = spec.loader.exec_module

            def exec_module(module):
                plain(module)
                patch(module)

            spec.loader.exec_module = exec_module
        return spec


if _FILE:
    sys.addaudithook(_audit)
    os.stat = _stat(os.stat)
    sys.meta_path.insert(0, _Finder())
