"""What is a question at all: checked before anything is encoded or looked up."""

import re
import unicodedata

from ragops.errors import RequestError

MAX_QUESTION_CHARACTERS = 4_000

_SURROGATE = re.compile("[\ud800-\udfff]")


def checked(question: str) -> str:
    """The question without surrounding white space.

    Raises:
        RequestError: it is empty, far too long, or no text: it has bytes that are no UTF-8, or control characters.
    """
    if len(question) > MAX_QUESTION_CHARACTERS:
        raise RequestError(f"question: {len(question):,} characters, at most {MAX_QUESTION_CHARACTERS:,}; shorten it")
    if _SURROGATE.search(question):
        raise RequestError("question: it has bytes that are no UTF-8; give it as text in UTF-8")
    if controls := [c for c in question if unicodedata.category(c) == "Cc" and c not in "\t\n\r\v\f"]:
        raise RequestError(f"question: it has control characters (U+{ord(controls[0]):04X}); give it as plain text")
    text = question.strip()
    if not text:
        raise RequestError('question: it is empty; ask something, for example: ragops search "how do I open a file"')
    return text
