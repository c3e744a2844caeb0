"""What was found, as a prompt is given it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """A retrieved passage under the number by which an answer cites it, from 1.

    Title, path and text come from documents: all three are as untrusted as whoever wrote those.
    """

    number: int
    title: str
    path: str
    text: str
