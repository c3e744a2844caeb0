"""Benchmark of finding: coverage, recall and ranks on several sets of questions, with the use case's chunks and model.

Run `python -m tests.bench.retrieval_quality`; it says what it does on standard error, then prints one table, and with
`--json FILE` writes all figures. The sets: questions about the sample corpus that avoid its words, others that use
them, and with `--public FOLDER` those of documents.jsonl (doc_id, sections with section_id, heading, text) and
questions.jsonl (question_id, question, section_ids, answer). Splitting, encoding and searching happen in this process:
about two minutes of CPU time with a public set of 100 questions.
"""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from pydoc_data.topics import topics
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.assembly import query_encoder
from ragops.corpus.chunks.splitter import split
from ragops.corpus.chunks.tokens import TokenCounter, tokenizer_counter
from ragops.corpus.embeddings.interface import Encoder
from ragops.corpus.embeddings.model import tokenizer_file
from ragops.corpus.index.access import Restrictions
from ragops.corpus.index.generations.generation import Generation, lexical_text
from ragops.corpus.index.generations.manifest import FORMAT, IndexedModel, Manifest
from ragops.corpus.index.passages import Entry
from ragops.corpus.index.stores.bm25 import LexicalIndex
from ragops.demo.corpus import PATHS
from ragops.demo.formats.document import Document
from ragops.demo.formats.markdown import to_markdown
from ragops.quality.datasets.files import load_questions, sample_file
from ragops.quality.evaluation.reports.cells import comparison_table, difference_cell, mean_cell
from ragops.quality.evaluation.retrieval import COVERAGE, Evaluator, measure_names, settings_label
from ragops.quality.questions import Question
from ragops.text import words
from ragops.usecase import UseCase, load_usecase
from tests.support.memory_generation import MemoryStore, passage_table, texts_of

REPOSITORY = Path(__file__).parents[2]
CHANGES: Sequence[Mapping[str, Any]] = (
    *({"dense_weight": weight} for weight in (0.3, 0.4, 0.5, 0.6, 0.7)),
    *({"k": k} for k in (5, 8, 15)),
    {"neighbours": 0},
    {"fusion": "reciprocal_rank"},
    {"fusion": "dense"},
    {"fusion": "lexical"},
)
_SHOWN = (COVERAGE, "recall_at_5", "ndcg_at_10")
Documents = Mapping[str, str]
"""Markdown by title."""

progress = Console(stderr=True)


def main(
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    public: Annotated[Path | None, typer.Option(help="Folder of a public question set.")] = None,
    use_case_file: Annotated[Path, typer.Option("--usecase")] = REPOSITORY / "usecase.yml",
) -> list[dict[str, Any]]:
    """Prints each measure with its interval for each set and setting: the use case's own, and those with a change."""
    use_case = load_usecase(use_case_file)
    count = tokenizer_counter(tokenizer_file(use_case.embedding))
    own = use_case.retrieval
    settings = list(dict.fromkeys([own, *(own.model_copy(update=dict(change)) for change in CHANGES)]))
    rows = []
    table = comparison_table("Means with 95 % intervals; differences, paired, from the use case's settings")
    for head in (*_SHOWN, "coverage compared", "tokens"):
        table.add_column(head.replace("_at_", "@"), no_wrap=True)
    table.columns[0].no_wrap = True
    with tempfile.TemporaryDirectory() as models:
        encoder = query_encoder(use_case, Path(models))
        for documents, sets in question_sets(public):
            progress.print(f"splitting and encoding {len(documents)} documents")
            generation = indexed(documents, use_case, encoder, count)
            for name, questions in sets.items():
                table.add_row(f"\n[bold]{name} ({len(questions)})")
                evaluator = Evaluator(generation, encoder, count, questions)
                for one in evaluate(evaluator, settings, name, own, table):
                    rows.append({"questions": name, **one})
    Console(width=max(100, progress.width)).print(table)
    if json_file:
        json_file.write_text(json.dumps(rows, indent=1))
    return rows


def evaluate(
    evaluator: Evaluator, settings: Sequence[RetrievalSettings], name: str, own: RetrievalSettings, table: Table
) -> Iterator[dict[str, Any]]:
    """The figures of each setting, the use case's own first; adds a row to the table for each."""
    started = progress.get_time()
    results = evaluator.evaluate(settings, lambda one: progress.print(f"{name}: {_label(one, own)}"))
    progress.print(f"{name}: {progress.get_time() - started:.0f} s")
    for one in results:
        found = {measure: one.interval(measure) for measure in measure_names()}
        difference = one.difference(results[0], COVERAGE)
        tokens = float(one.tokens.mean())
        shown = [mean_cell(found[measure]).replace("\n", " ") for measure in _SHOWN]
        compared = "" if one is results[0] else difference_cell(difference)
        table.add_row(_label(one.settings, own), *shown, compared, f"{tokens:.0f}")
        yield {"setting": _label(one.settings, own), **found, "coverage_minus_own": difference, "tokens": tokens}


def question_sets(public: Path | None) -> Iterator[tuple[Documents, dict[str, list[Question]]]]:
    """Each corpus with its sets of questions."""
    sample = {topic: to_markdown(Document(topics[topic])).decode() for topic in PATHS}
    names = {"avoid the words": "sample", "share the words": "sample_same_words"}
    yield (
        sample,
        {shown: [one for one in load_questions(sample_file(name)) if one.answerable] for shown, name in names.items()},
    )
    if public:
        yield public_documents(public), {public.name: list(public_questions(public))}


def indexed(documents: Documents, use_case: UseCase, encoder: Encoder, count: TokenCounter) -> Generation:
    """The documents' chunks as a generation in memory."""
    chunks = [
        (title, chunk)
        for title, text in documents.items()
        for chunk in split(title, title, text, count, use_case.chunking)
    ]
    vectors = encoder.encode_documents([chunk.embedded_text for _, chunk in chunks])
    entries = [
        Entry(
            chunk_id=chunk.chunk_id,
            doc_id=chunk.doc_id,
            text=chunk.text,
            heading_path=chunk.heading_path,
            title=title,
            path=title,
            page=None,
            ordinal=chunk.ordinal,
            text_hash=chunk.text_hash,
            vector=vector,
        )
        for (title, chunk), vector in zip(chunks, vectors, strict=True)
    ]
    passages, texts = passage_table(entries), texts_of(entries)
    firsts = passages.of_texts(sorted(text.text_hash for text in texts), reader=None)
    lexical = LexicalIndex.build(
        [one.text_hash for one in firsts], [lexical_text(one) for one in firsts], use_case.corpus.languages
    )
    model = IndexedModel(fingerprint="0" * 64, name=use_case.embedding.name, dimension=use_case.embedding.dimension)
    manifest = Manifest(
        number=1, model=model, count=len(entries), source_version="", parent=None, group_sets=1, format=FORMAT
    )
    return Generation(manifest, MemoryStore(texts), lexical, Restrictions(lexical.ids, passages.texts()), passages)


def public_documents(folder: Path) -> dict[str, str]:
    """Each document as Markdown, a heading for each section."""
    return {
        document["doc_id"]: "\n".join(f"## {one['heading']}\n\n{_body(one)}\n" for one in document["sections"])
        for document in _lines(folder / "documents.jsonl")
    }


def public_questions(folder: Path) -> Iterator[Question]:
    """The questions whose answer is worded like their sections, with the sentences that it comes from as quotes."""
    sections = {one["section_id"]: _body(one) for doc in _lines(folder / "documents.jsonl") for one in doc["sections"]}
    for one in _lines(folder / "questions.jsonl"):
        quotes = chosen(one["answer"], [sections[section] for section in one["section_ids"]])
        if quotes:
            yield Question(
                question_id=one["question_id"],
                question=one["question"],
                kind="natural",
                topic=one["section_ids"][0].split("#")[0],
                anchor=" ".join(words(quotes[0])[:8]),
                answer=one["answer"],
                quotes=tuple(quotes),
            )


def chosen(answer: str, texts: Sequence[str], most: int = 4) -> list[str]:
    """The sentences that together contain most of the answer's longer words, the best first."""
    parts = [part for text in texts for part in re.split(r"(?<=[.!?])\s+(?=[A-Z])|\n+", text)]
    sentences = [part for part in dict.fromkeys(parts) if 3 <= len(words(part)) <= 80]
    missing = {word for word in words(answer) if len(word) > 3}
    fewest, quotes = max(2, round(0.08 * len(missing))), list[str]()
    while sentences and len(quotes) < most:
        best = max(sentences, key=lambda one: len(missing & set(words(one))) - 0.02 * len(words(one)))
        if len(missing & set(words(best))) < fewest:
            break
        quotes.append(best)
        missing -= set(words(best))
        sentences.remove(best)
    return quotes


def _label(settings: RetrievalSettings, own: RetrievalSettings) -> str:
    hits = f", {settings.k} hits" if settings.k != own.k else ""
    return settings_label(settings, own) + hits


def _body(section: Mapping[str, str]) -> str:
    return section["text"].removeprefix(section["heading"]).strip()


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    return map(json.loads, file.read_text("utf-8").splitlines())


if __name__ == "__main__":
    typer.run(main)
