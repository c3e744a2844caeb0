"""Parsers of this tree against those of an earlier one, in one run: words kept by format, CPU time as a ratio, lines.

Unpack the earlier commit, then run it with the sample corpus and 200 mixed files:

    git archive COMMIT | tar -x -C FOLDER
    python -m tests.bench.documents --before FOLDER

Both trees parse in this environment, in processes of their own, in turns; the least of the repetitions counts, since
other programs only make them longer. Formats that the earlier tree refuses are left out of the ratio.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ragops.demo.corpus import write_corpus
from tests.support.document_cases import html, text
from tests.support.document_samples import WRITERS

MIXED = 200
REPETITIONS = 3
MOST_RATIO = 1.1
ROOT = Path(__file__).resolve().parents[2]
PARSERS = "src/ragops/corpus/documents"
PARSE = """
import json, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from ragops.corpus.documents.parsing import ParseLimits, parse, prepare
files = [path for path in sorted(Path(sys.argv[2]).rglob("*")) if path.is_file()]
for path in files:
    prepare(path)
parsed = {}
for path in files:
    began = time.process_time()
    try:
        markdown = parse(path, ParseLimits()).markdown
    except Exception:
        markdown = None
    parsed[str(path.relative_to(sys.argv[2]))] = [markdown, time.process_time() - began]
print(json.dumps(parsed))
"""
Parsed = dict[str, tuple[str | None, float]]


def main(
    before: Annotated[Path, typer.Option("--before", help="Another tree of this repository.")],
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> dict[str, Any]:
    """Returns for each folder {ratio, formats: {format: {files, words, kept, seconds, ratio}}}, and lines of code."""
    figures: dict[str, Any] = {"most_ratio": MOST_RATIO, "lines": [_lines(before), _lines(ROOT)]}
    with tempfile.TemporaryDirectory(prefix="bench-documents-") as folder:
        for name, write in {"sample": _write_sample, "mixed": _write_mixed}.items():
            place = Path(folder, name)
            place.mkdir()
            write(place)
            figures[name] = _compared(before, place)
    print(json.dumps(figures, indent=2))
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1))
    return figures


def _write_sample(folder: Path) -> None:
    write_corpus(folder)


def _write_mixed(folder: Path) -> None:
    """Files of every format that both trees read: small ones, and pages and texts as people have them."""
    cases = [case for case in [*html.CASES, *text.CASES] if not case.ocr]
    for number in range(MIXED):
        place = folder / f"{number:03}"
        place.mkdir()
        if number % 2:
            cases[number // 2 % len(cases)].write(place)
        else:
            names = [name for name in WRITERS if name not in ("endless.pdf", "encrypted.pdf")]
            name = names[number // 2 % len(names)]
            WRITERS[name](place / name)


def _compared(before: Path, folder: Path) -> dict[str, Any]:
    runs: dict[Path, list[Parsed]] = defaultdict(list)
    for _ in range(REPETITIONS):
        for tree in (before, ROOT):
            command = [sys.executable, "-c", PARSE, str(tree / "src"), str(folder)]
            runs[tree].append(json.loads(subprocess.run(command, check=True, capture_output=True, cwd=tree).stdout))
    old, new = (_least(runs[tree]) for tree in (before, ROOT))
    by_format: dict[str, list[str]] = defaultdict(list)
    for name in old:
        if old[name][0] is not None:
            by_format[Path(name).suffix].append(name)
    both = [name for names in by_format.values() for name in names]
    return {
        "files": len(new),
        "read": [sum(markdown is not None for markdown, _ in parsed.values()) for parsed in (old, new)],
        "ratio": _ratio(old, new, both),
        "formats": {suffix: _figures(old, new, names) for suffix, names in sorted(by_format.items())},
    }


def _least(runs: list[Parsed]) -> Parsed:
    return {name: (runs[0][name][0], min(run[name][1] for run in runs)) for name in runs[0]}


def _ratio(old: Parsed, new: Parsed, names: list[str]) -> float:
    return round(sum(new[name][1] for name in names) / sum(old[name][1] for name in names), 2)


def _figures(old: Parsed, new: Parsed, names: list[str]) -> Mapping[str, float]:
    words = [(_words(old[name][0]), _words(new[name][0])) for name in names]
    total = sum(sum(earlier.values()) for earlier, _ in words)
    return {
        "files": len(names),
        "words": total,
        "kept": round(sum(sum((a & b).values()) for a, b in words) / max(1, total), 4),
        "added": sum(sum((b - a).values()) for a, b in words),
        "seconds": round(sum(new[name][1] for name in names), 2),
        "ratio": _ratio(old, new, names),
    }


def _words(markdown: str | None) -> Counter[str]:
    return Counter(re.findall(r"\w+", (markdown or "").lower()))


def _lines(tree: Path) -> int:
    """Lines of code of the parsers, without blank ones, comments and documentation."""
    lines = 0
    for module in (tree / PARSERS).rglob("*.py"):
        source = re.sub(r'"""(?:.|\n)*?"""', "", module.read_text(encoding="utf-8"))
        lines += sum(1 for line in source.split("\n") if line.strip() and not line.strip().startswith("#"))
    return lines


if __name__ == "__main__":
    typer.run(main)
