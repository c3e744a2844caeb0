"""The input of every renderer."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from ragops.demo.help_topics import Block, Kind, parse, without_emphasis

WRITTEN = datetime(2024, 1, 1, tzinfo=UTC)
"""The time stored inside files: a fixed one, so that writing the corpus again changes no byte."""


@dataclass(frozen=True)
class Document:
    """A topic's text from the standard library."""

    text: str

    @cached_property
    def blocks(self) -> list[Block]:
        """The text as blocks, in reading order."""
        return parse(self.text)

    @property
    def title(self) -> str:
        """The first heading."""
        return next(without_emphasis(block.text) for block in self.blocks if block.kind is Kind.HEADING)
