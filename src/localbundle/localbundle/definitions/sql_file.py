"""A .sql file as statements, which a SQL warehouse runs one after the other. Syntax: Spark SQL, read by sqlglot."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from localbundle.errors import BundleError

if TYPE_CHECKING:
    from sqlglot import Token

PARAMETER = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_BLOCKS = ("IF", "WHILE", "FOR", "LOOP", "REPEAT")  # END IF does not end the script
_BEFORE_PATH = re.compile(r"[\w)\]'\"`:]")  # `value:field` reads a field of a JSON text
_NOT_HERE = {
    r"(CREATE|ALTER|DROP|REFRESH)( OR (REPLACE|REFRESH))? (MATERIALIZED VIEW|STREAMING TABLE)\b": (
        "no materialized views and streaming tables; create a table, or run it on Databricks"
    ),
    r"COPY INTO\b": "no COPY INTO; insert from a SELECT on the files",
    r"(GRANT|REVOKE|DENY)\b": "no rights; declare `grants` in the bundle",
    r"(SET|UNSET) TAG\b|ALTER .*\bSET TAGS\b": "no tags; set them in a task that runs on Databricks only",
}
"""What a SQL warehouse runs and Spark does not: how it begins, what a laptop has not, and what to do."""


@dataclass(frozen=True)
class Parameter:
    """A place in a statement that names a parameter: `:name`, or `{{name}}` (between `quote`, if that is not empty).

    Attributes:
        name: the parameter.
        line: in the file, from 1.
        start, end: the place of `{{name}}` in the statement's text; both 0 for `:name`, which Spark binds.
        quote: what surrounds `{{name}}`: a quotation mark, or nothing.
    """

    name: str
    line: int
    start: int = 0
    end: int = 0
    quote: str = ""


@dataclass(frozen=True)
class Statement:
    """One statement: its text without the semicolon, its first line in the file (from 1), its parameters."""

    text: str
    line: int
    parameters: tuple[Parameter, ...]

    @property
    def not_here(self) -> str | None:
        """Why Spark cannot run it although a SQL warehouse can, and what to do; None if it can."""
        words = " ".join(re.sub(r"--.*|/\*.*?\*/", " ", self.text[:300]).upper().split())
        found = next((reason for pattern, reason in _NOT_HERE.items() if re.match(pattern, words)), None)
        return f"a laptop has {found}" if found else None

    def with_values(self, values: Mapping[str, str]) -> str:
        """The text with the value of each `{{name}}`: within quotes as it is, else as a text literal.

        Both are escaped: a value cannot end the quotes that it stands in.
        """
        text, end = "", 0
        for one in self.parameters:
            if one.end:
                text += self.text[end : one.start] + _literal(values[one.name], one.quote)
                end = one.end
        return text + self.text[end:]


def read_statements(file: Path) -> list[Statement]:
    """The statements of a file, in order.

    Raises:
        BundleError: the file is not text, a quotation or comment in it has no end, or it has no statement.
    """
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BundleError(f"is not UTF-8 text ({error.reason}); save it as UTF-8", str(file)) from error
    try:
        found = list(_statements(text))
    except BundleError as error:
        raise BundleError(error.message, str(file), error.line) from error
    if not found:
        raise BundleError("has no SQL statement; write one, or remove the task", str(file), 1)
    return found


def _statements(text: str) -> Iterator[Statement]:
    from sqlglot import TokenType  # 0.2 s, and few bundles have SQL tasks

    part: list[Token] = []
    depth = 0
    for token, after in pairwise([*_tokens(text), None]):
        assert token is not None  # only the last one is
        if token.token_type is TokenType.SEMICOLON and (depth <= 0 or not _is_script(part)):
            if part:
                yield _statement(text, part)
            part, depth = [], 0
            continue
        depth += _step(token, part[-1] if part else None, after)
        part.append(token)
    if part:
        yield _statement(text, part)


def _step(token: "Token", before: "Token | None", after: "Token | None") -> int:
    """How a word changes the depth of nested BEGIN and CASE: a semicolon in them ends no statement."""
    from sqlglot import TokenType

    known = before.token_type if before else None
    if known is TokenType.DOT:
        return 0  # a column's name, as in window.end
    if token.token_type is TokenType.END:
        return 0 if known is TokenType.ALIAS or (after is not None and after.text.upper() in _BLOCKS) else -1
    if token.token_type is TokenType.CASE:
        return int(known is not TokenType.END)
    return int(token.token_type is TokenType.BEGIN)


def _is_script(part: Sequence["Token"]) -> bool:
    """Whether a statement that begins so is a script, `[label:] BEGIN ... END`, or a procedure with one."""
    words = [token.text.upper() for token in part[:5]]
    start = 2 if words[1:2] == [":"] else 0
    if words[start : start + 1] == ["BEGIN"]:
        return words[start + 1 : start + 2] not in ([], ["TRANSACTION"])
    return words[:1] == ["CREATE"] and "PROCEDURE" in words


def _statement(text: str, part: Sequence["Token"]) -> Statement:
    start, end = part[0].start, part[-1].end + 1
    found = sorted([*_bound(text, part), *_replaced(text, part)], key=lambda one: (one.line, one.start))
    return Statement(text[start:end], _line(text, start), tuple(found))


def _bound(text: str, part: Sequence["Token"]) -> Iterator[Parameter]:
    """`:name`, as Spark reads it."""
    for token, name in pairwise(part):
        is_marker = token.text == ":" and token.end + 1 == name.start and not _BEFORE_PATH.match(text, token.start - 1)
        if is_marker and (name.text.isidentifier() or text[name.start] == "`"):
            yield Parameter(name.text, _line(text, token.start))


def _replaced(text: str, part: Sequence["Token"]) -> Iterator[Parameter]:
    """`{{name}}`; not in comments, which are no tokens, and not where nothing can be escaped: $$...$$ and r'...'."""
    first = part[0].start
    for token in part:
        quote = text[token.start]
        if quote in "'\"`":
            matches = list(PARAMETER.finditer(text, token.start, token.end + 1))
        else:
            quote, found = "", PARAMETER.match(text, token.start)
            matches = [found] if found else []
        for match in matches:
            yield Parameter(match[1], _line(text, match.start()), match.start() - first, match.end() - first, quote)


def _literal(value: str, quote: str) -> str:
    if quote == "`":
        return value.replace("`", "``")
    escaped = value.replace("\\", "\\\\").replace(quote or "'", f"\\{quote or chr(39)}").replace("\n", "\\n")
    return escaped if quote else f"'{escaped}'"


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _tokens(text: str) -> "list[Token]":
    from sqlglot.errors import TokenError

    try:
        return _tokenizer()(text)
    except TokenError as error:
        begins = re.search(r"from \d+:(\d+)", str(error.__cause__))
        line = _line(text, int(begins[1]) if begins else len(text.rstrip()))
        raise BundleError("a quotation or a comment has no end; close it", line=line) from error


@cache
def _tokenizer() -> "Callable[[str], list[Token]]":
    """Reads Databricks' SQL; unlike sqlglot's own reader, with $$...$$, and SHOW and EXECUTE word by word."""
    from sqlglot import TokenType
    from sqlglot.dialects.databricks import Databricks

    class Tokenizer(Databricks.Tokenizer):
        HEREDOC_STRINGS = ["$"]
        HEREDOC_TAG_IS_IDENTIFIER = True
        COMMANDS: ClassVar[set[TokenType]] = set()

    return lambda text: Tokenizer(dialect="databricks").tokenize(text)
