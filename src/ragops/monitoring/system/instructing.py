"""Documents that speak to the model instead of to readers: they give orders, or contain syntax of chats.

Passages are quoted data in every prompt, so such a text rarely succeeds; but somebody put it there, or a page about
such attacks is in the corpus, which a person tells apart at a glance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from ragops.corpus.documents.table import DOCUMENTS
from ragops.monitoring.system.rows import moment
from ragops.platform.workspace import Workspace
from ragops.text import one_line

MOST = 50
"""Documents that are named."""
_AROUND = 60  # characters on either side, in an excerpt

# In the syntax that Java's and Python's regular expressions share; of several languages, since models obey them all.
_ORDERS = r"(?:instructions?|directions|prompts?|guidelines|rules|passages|context)"
_KINDS: Mapping[str, str] = {
    "an order to ignore instructions": (
        r"\b(?:ignore|disregard|forget|override|bypass)\b[^.!?\n]{0,40}\b(?:previous|prior|earlier|above|preceding"
        rf"|foregoing|all|any|your|system)\b[^.!?\n]{{0,30}}\b{_ORDERS}\b"
        rf"|\bignore\s+the\s+{_ORDERS}\b"
        r"|\b(?:ignoriere|vergiss|missachte)\b[^.!?\n]{0,40}\b(?:anweisung|instruktion|vorgabe|regel)"
        r"|\b(?:ignore[zr]?|oublie[zr]?)\b[^.!?\n]{0,40}\b(?:instructions|consignes)\b"
        r"|\b(?:ignora|olvida)\b[^.!?\n]{0,40}\binstrucciones\b"
    ),
    "an order what to answer": (
        r"\b(?:answer|reply|respond)\b[^.!?\n]{0,20}\b(?:to )?(?:every|all|each|any)\b[^.!?\n]{0,12}"
        r"\b(?:questions?|requests?|prompts?|messages?)\b[^.!?\n]{0,20}\b(?:with|by)\b"
        r"|\b(?:end|begin|start|finish)\b[^.!?\n]{0,10}\b(?:each|every|all|your)\b[^.!?\n]{0,10}"
        r"\b(?:answers?|repl(?:y|ies)|responses?)\b[^.!?\n]{0,10}\bwith\b"
        r"|\bcite\b[^.!?\n]{0,12}\b(?:passage|source|document)\b[^.!?\n]{0,12}\bas\b"
    ),
    "another role for the model": (
        r"\byou are (?:now|no longer)\b[^.!?\n]{0,40}\b(?:assistant|chatbot|model|ai)\b"
        r"|\b(?:note|notice|message|instructions?)\b[^.!?\n]{0,20}\b(?:to|for) (?:the|this|any|all) "
        r"(?:ai|language model|llm|assistant|chatbot)s?\b"
        r"|\boperator of this (?:assistant|chatbot|model)\b"
    ),
    "syntax of a chat": (
        r"<\|(?:im_(?:start|end)|eot_id|start_header_id|end_header_id|endoftext|system|user|assistant)\|>"
        r"|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|</?passage-[0-9a-z]{8,}"
    ),
    "invisible text": "[\U000e0020-\U000e007e]{16,}",
}
_PATTERNS = {name: re.compile(f"(?i){pattern}") for name, pattern in _KINDS.items()}
_ANY = "(?i)" + "|".join(_KINDS.values())


@dataclass(frozen=True, slots=True)
class Instructing:
    """A document that instructs the model: its path, how, the words, and when it was read."""

    path: str
    how: str
    words: str
    since: datetime


def instructions_in(text: str) -> Iterator[tuple[str, str]]:
    """How a text instructs a model, with the words and some around them; each way once."""
    for how, pattern in _PATTERNS.items():
        if found := pattern.search(text):
            start, end = max(0, found.start() - _AROUND), found.end() + _AROUND
            yield how, one_line(text[start:end], 3 * _AROUND)


def read_instructing(workspace: Workspace) -> tuple[Instructing, ...]:
    """Documents whose text, title or path instructs a model; the newest, at most 50.

    Raises:
        NotPermitted: the current user may not read the table.
    """
    from pyspark.sql import functions as F

    if not workspace.spark.catalog.tableExists(workspace.table(DOCUMENTS.name)):
        return ()
    text = F.concat_ws("\n", "path", "title", "markdown")
    rows = DOCUMENTS.read(workspace).where("reason IS NULL").where(text.rlike(_ANY))
    newest = rows.orderBy(F.desc("ingested_at")).limit(MOST)
    found = newest.select("path", text.alias("text"), F.unix_micros("ingested_at").alias("at")).collect()
    return tuple(
        Instructing(row["path"], how, words, moment(row["at"]))
        for row in found
        for how, words in instructions_in(row["text"])
    )
