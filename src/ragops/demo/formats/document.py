"""What a renderer is given."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from ragops.demo.help_topics import Block, Kind, parse
from ragops.demo.inline import without_emphasis

WRITTEN = datetime(2024, 1, 1, tzinfo=UTC)
"""The time that files carry inside them: a fixed one, so that writing the corpus again changes no byte."""


@dataclass(frozen=True)
class Document:
    """A topic's text as the standard library gives it."""

    text: str

    @cached_property
    def blocks(self) -> list[Block]:
        """The text as blocks, in reading order."""
        return parse(self.text)

    @property
    def title(self) -> str:
        """The first heading."""
        return next(without_emphasis(block.text) for block in self.blocks if block.kind is Kind.HEADING)
