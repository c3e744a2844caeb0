"""Settings of usecase.yml, from the pydantic models and dataclasses that define them.

A setting's meaning is the string below it in its class, or the description of its pydantic field.
"""

import ast
import dataclasses
import inspect
import itertools
import re
import textwrap
from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeGuard, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from ragops.corpus.documents.limits import MIB
from ragops.usecase import UseCase
from tests.docs.markdown import code, table

_BOUNDS = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}


def lines() -> Iterator[str]:
    """A section for each object of the file, in the order in which they are first used."""
    seen: dict[type, str] = {UseCase: ""}
    waiting: list[type] = [UseCase]
    for one in waiting:  # grows while it is read
        for name, annotation, _, _ in fields(one):
            new = [inner for inner in _objects(annotation) if inner not in seen]
            seen |= dict.fromkeys(new, f"{seen[one]}.{name}".lstrip("."))
            waiting += new
        yield from _section(one, seen[one])


def _section(model: type, path: str) -> Iterator[str]:
    yield f"## {_title(model)}"
    yield ""
    if path:
        yield f"At `{path}`."
        yield ""
    yield from summary(model)
    rows = [(code(name), _type(annotation), default, meaning) for name, annotation, default, meaning in fields(model)]
    yield from table(("setting", "type", "default", "meaning"), rows)


def _title(model: type) -> str:
    return "The file" if model is UseCase else model.__name__


def summary(model: type) -> Iterator[str]:
    """The docstring without its example."""
    text = re.split(r"^Example:$", inspect.getdoc(model) or "", flags=re.MULTILINE)[0]
    yield text.strip()
    yield ""


def fields(model: type) -> Iterator[tuple[str, Any, str, str]]:
    """Name, annotation, default and meaning of each field."""
    meanings = _strings_below(model)
    if issubclass(model, BaseModel):
        for name, field in model.model_fields.items():
            default = field.get_default(call_default_factory=True)
            annotation = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
            yield name, annotation, _default(name, default), field.description or meanings.get(name, "")
        return
    assert dataclasses.is_dataclass(model)
    hints = inspect.get_annotations(model, eval_str=True)
    for one in dataclasses.fields(model):
        default = PydanticUndefined if one.default is dataclasses.MISSING else one.default
        yield one.name, hints[one.name], _default(one.name, default), meanings.get(one.name, "")


def _strings_below(model: type) -> dict[str, str]:
    """The string below each field, in the class or in one that it inherits from, by the field's name."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if one in (object, BaseModel):
            continue
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(one))).body
        assert isinstance(definition, ast.ClassDef)
        for field, below in itertools.pairwise(definition.body):
            match field, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[name] = text
    return found


def _default(name: str, value: object) -> str:
    if value is PydanticUndefined:
        return "required"
    if (
        value is None
        or _is_object(type(value))
        or (isinstance(value, tuple) and any(_is_object(type(v)) for v in value))
    ):
        return ""
    if isinstance(value, int) and name.endswith("_bytes"):
        return f"{code(value)} ({value // MIB} MiB)"
    if isinstance(value, tuple | list):
        return code("[" + ", ".join(map(str, value)) + "]")
    return code("{}" if value == {} else str(value).lower() if isinstance(value, bool) else value)


def _type(annotation: Any) -> str:
    """As a reader of YAML knows it."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return " ".join([_type(inner), *_limits(metadata)])
    if get_origin(annotation) is Literal:
        return ", ".join(code(value) for value in get_args(annotation))
    if _is_object(annotation):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    arguments = [one for one in get_args(annotation) if one not in (type(None), Ellipsis)]
    if get_origin(annotation) is dict:
        return f"{_type(arguments[0])} to {_type(arguments[1])}"
    if get_origin(annotation) in (tuple, list):
        return f"list of {_type(arguments[0])}"
    if arguments:
        return " or ".join(_type(one) for one in arguments)
    return {"str": "text", "int": "whole number", "float": "number", "bool": "true, false"}.get(
        getattr(annotation, "__name__", ""), getattr(annotation, "__name__", "").lower()
    )


def _limits(metadata: list[Any]) -> Iterator[str]:
    for one in metadata:
        for name, word in _BOUNDS.items():
            if getattr(one, name, None) is not None:
                yield f"{word} {getattr(one, name)}"
        if getattr(one, "min_length", 0):
            yield "(not empty)"


def _objects(annotation: Any) -> Iterator[type]:
    """The models inside an annotation."""
    if _is_object(annotation):
        yield annotation
    for inner in get_args(annotation):
        yield from _objects(inner)


def _is_object(annotation: Any) -> TypeGuard[type]:
    return isinstance(annotation, type) and (issubclass(annotation, BaseModel) or dataclasses.is_dataclass(annotation))
