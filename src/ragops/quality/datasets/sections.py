"""The sections of documents that a question set names by id, in a file beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FILE = "documents.jsonl"
"""One record per document with its `sections`, or one per section: an id, and its text."""
_IDS = ("section_id", "passage_id", "chunk_id", "id", "_id")
_TEXTS = ("text", "content", "contents")


@dataclass(frozen=True)
class Section:
    """A section's text, without its heading, and the name of its document ("" if it is not said)."""

    text: str
    document: str


@dataclass(frozen=True)
class Sections:
    """Sections by id."""

    by_id: Mapping[str, Section] = field(default_factory=dict)

    @classmethod
    def of(cls, content: bytes, name: str) -> Sections:
        """Reads the file `name`.

        Raises:
            ValueError: it is not JSON Lines; names the file and the line.
        """
        found: dict[str, Section] = {}
        for number, line in enumerate(content.decode("utf-8-sig", "replace").split("\n"), start=1):
            if not line.strip():
                continue
            try:
                found |= dict(_sections(json.loads(line)))
            except (ValueError, AttributeError, TypeError) as error:
                raise ValueError(f"{name}, line {number}: is not a document with sections; correct it") from error
        return cls(found)

    def named(self, ids: Sequence[str]) -> list[Section]:
        """The sections of these ids.

        Raises:
            ValueError: there is no such section, or no file of sections at all.
        """
        for one in ids:
            if not self.by_id:
                raise ValueError(
                    f"it names section {one}, and there is no {FILE} beside the set; add it, or give quotes"
                )
            if one not in self.by_id:
                raise ValueError(f"it names section {one}, which {FILE} does not have; correct the id")
        return [self.by_id[one] for one in ids]


def _sections(record: Mapping[str, Any]) -> Iterator[tuple[str, Section]]:
    document = str(record.get("doc_id") or record.get("document") or record.get("path") or "")
    for one in record.get("sections", [record]):
        text = str(next((one[name] for name in _TEXTS if one.get(name)), ""))
        heading = str(one.get("heading") or "")
        for key in _IDS:
            if one.get(key):
                yield str(one[key]), Section(text.strip().removeprefix(heading).strip(), document)
                break
