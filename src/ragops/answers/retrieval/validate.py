"""The requirements for a question, checked before anything is encoded, looked up or sent to a model.

Separate from `search`, which imports the vector store: a command or a job checks a question in 0.04 s, not in 7 s.
"""

import re
import unicodedata

from ragops.errors import RequestError

MAX_QUESTION_CHARACTERS = 4_000

_SURROGATE = re.compile("[\ud800-\udfff]")


def check_question(question: str) -> str:
    """The question without surrounding white space.

    Raises:
        RequestError: it is empty, too long, not valid UTF-8, or contains control characters.
    """
    if len(question) > MAX_QUESTION_CHARACTERS:
        raise RequestError(f"question: {len(question):,} characters, at most {MAX_QUESTION_CHARACTERS:,}; shorten it")
    if _SURROGATE.search(question):
        raise RequestError("question: it is not valid UTF-8; send text in UTF-8")
    if controls := [c for c in question if unicodedata.category(c) == "Cc" and c not in "\t\n\r\v\f"]:
        raise RequestError(f"question: it contains control characters (U+{ord(controls[0]):04X}); send plain text")
    text = question.strip()
    if not text:
        raise RequestError('question: it is empty; ask something, for example: ragops search "how do I open a file"')
    return text
