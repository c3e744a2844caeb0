"""Bounds on figures of the benchmarks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Figures = Mapping[str, Any]
PAGE = "reading a 45-megapixel page"
PROMPT_S = {
    "ragops --help": 0.5,
    "localbundle --help": 0.5,
    "ragops search": 1.2,
    "ragops ask": 2.0,
    "refresh, nothing to do": 6.0,
    "refresh, 1 % edited, beyond its embedding": 10.0,
}
"""Seconds that a user may wait at the prompt, on a quiet machine of 2 cores."""

PAGE_S = {"usable_s": 2.0, "first_words_s": 1.0}
"""Seconds in the browser on 2 cores, with the model `quotes`."""

WIDTH = 0.7
"""Width of a corrected interval, as a share of that of the labels alone."""

SEARCH_MS = {"search": 25.0, "context": 60.0}
"""Milliseconds that 95 of 100 may take at 100,000 passages on 2 cores, without the model."""


@dataclass(frozen=True)
class Bound:
    """A bound on a figure.

    Attributes:
        name: the figure.
        benchmark: the benchmark that measures it.
        value: formats the figure.
        wanted: the bound, for display.
        holds: whether the figure meets the bound.
        is_timing: whether it may be missed because of the machine's load.
    """

    name: str
    benchmark: str
    value: Callable[[Figures], str]
    wanted: str
    holds: Callable[[Figures], bool]
    is_timing: bool = False


@dataclass(frozen=True)
class Checked:
    """A bound with its measured value; `met` is None if there is no figure."""

    bound: Bound
    value: str
    met: bool | None
    load: str

    def as_dict(self) -> dict[str, object]:
        bound = self.bound
        result = {"figure": bound.name, "value": self.value, "wanted": bound.wanted, "met": self.met}
        return result | {"timing": bound.is_timing, "load": self.load}


def check(bound: Bound, measured: Mapping[str, Any]) -> Checked:
    """Checks one bound against the results of its benchmark."""
    load = f"{measured['load_before'][0]:.1f} to {measured['load_after'][0]:.1f}"
    figures = measured["figures"]
    if not figures:
        return Checked(bound, "", None, load)
    return Checked(bound, bound.value(figures), bool(bound.holds(figures)), load)


def _recall(figures: Figures, splitter: str) -> float:
    return next(value for name, value in figures[f"recall, {splitter}"].items() if name.startswith("recall in "))


def _edits(figures: Figures, figure: str) -> float:
    return max(values[figure] for name, values in figures.items() if name.startswith("edits, "))


def _prompt(command: str) -> Bound:
    """A command's seconds at the prompt, the least of several."""
    return Bound(
        command,
        "prompt",
        lambda f: f"{f[command]['min_s']:.2f} s, median {f[command]['median_s']:.2f} s",
        f"<= {PROMPT_S[command]:g} s",
        lambda f: f[command]["min_s"] <= PROMPT_S[command],
        is_timing=True,
    )


def _search(kind: str) -> Bound:
    """The 95th percentile of a search, or of a search and its packed context."""
    return Bound(
        f"{kind} p95, without the model",
        "search",
        lambda f: f"{f[f'{kind}_p95_ms']:.1f} ms at {f['rows']:,}, {f[f'{kind}_cpu_ms']:.1f} ms of CPU",
        f"<= {SEARCH_MS[kind]:g} ms",
        lambda f: f[f"{kind}_p95_ms"] <= SEARCH_MS[kind],
        is_timing=True,
    )


def _coverage(figures: Figures) -> tuple[float, float]:
    """The lowest and the highest coverage of any method in any population, without Rogan-Gladen's: 91 to 96 %."""
    methods = {name: found for name, found in figures["coverage"].items() if name != "Rogan-Gladen"}
    found = [value for method in methods.values() for value in method.values()]
    return min(found), max(found)


def _narrowest_kappa(figures: Figures) -> float:
    """The least kappa from which on a corrected width is at most 0.7 of the labels', with 20 judged answers each."""
    too_wide = [one["kappa"] for one in figures["width"].values() if one["20"] > WIDTH]
    enough = [one["kappa"] for one in figures["width"].values() if one["kappa"] > max(too_wide, default=0)]
    return min(enough, default=1.0)


def _page(figure: str, name: str) -> Bound:
    """Seconds that someone at the page waits, the least of several."""
    return Bound(
        f"page: {name}",
        "page",
        lambda f: f"{f[figure]:.2f} s",
        f"<= {PAGE_S[figure]:g} s",
        lambda f: f[figure] <= PAGE_S[figure],
        is_timing=True,
    )


BOUNDS = (
    *map(_prompt, PROMPT_S),
    Bound(
        "overhead of a notebook task",
        "tasks",
        lambda f: f"{f['chain_a_task_s']:.1f} s in sequence, {f['side_by_side_a_task_s']:.1f} s in parallel",
        "<= 3 s",
        lambda f: f["chain_a_task_s"] <= f["most_s"],
        is_timing=True,
    ),
    *(_search(kind) for kind in SEARCH_MS),
    Bound(
        "95 % intervals, 50 labels in 15 documents: coverage",
        "statistics",
        lambda f: "{:.1%} to {:.1%}".format(*_coverage(f)),
        "93 to 97 %, +- two Monte Carlo errors",
        lambda f: _coverage(f)[0] + 2 * f["error"] >= 0.93 and _coverage(f)[1] - 2 * f["error"] <= 0.97,
    ),
    Bound(
        "corrected interval at most 0.7 of the labels', 20 judged answers each: from kappa",
        "statistics",
        lambda f: f"{_narrowest_kappa(f):.2f}",
        "<= 0.90",
        lambda f: round(_narrowest_kappa(f), 2) <= 0.9,
    ),
    Bound(
        "the same chain: promoted; better in a check; two releases that differ",
        "statistics",
        lambda f: "; ".join(f"{f['same_chain'][name]:.1%}" for name in ("promoted", "better", "differ")),
        "<= 2.5 %; 2.5 % are meant; <= 5 %",
        lambda f: f["same_chain"]["promoted"] <= 0.025 and f["same_chain"]["differ"] <= 0.05,
    ),
    Bound(
        "failed judge calls: not counted, releases wrongly passed or blocked",
        "statistics",
        lambda f: ", ".join(str(sum(one[kind] for one in f["failures"].values())) for kind in ("uncounted", "wrong")),
        "0, 0",
        lambda f: not any(one["uncounted"] or one["wrong"] for one in f["failures"].values()),
    ),
    _page("usable_s", "usable"),
    _page("first_words_s", "first words of an answer"),
    Bound(
        "server: added to the chain, p95",
        "serve",
        lambda f: f"{f['added_p95_ms']:.1f} ms",
        "<= 20 ms",
        lambda f: f["added_p95_ms"] <= 20,
        is_timing=True,
    ),
    Bound(
        "server: first streamed piece, p95",
        "serve",
        lambda f: f"{f['first_piece_p95_ms']:.0f} ms",
        "<= 1,000 ms",
        lambda f: f["first_piece_p95_ms"] <= 1000,
        is_timing=True,
    ),
    Bound(
        "server: 200 clients at once, failed; memory added by 800 answers",
        "serve",
        lambda f: f"{f['failed']:.0f} of {f['answered'] + f['refused_429']:.0f}, {f['memory_growth_mib']:.0f} MiB",
        "0, <= 64 MiB",
        lambda f: f["failed"] == 0 and f["memory_growth_mib"] <= 64,
    ),
    Bound(
        "embed stage / encoder alone, speed",
        "embedding",
        lambda f: f"{f['ratio_with_start']:.2f}",
        ">= 0.90",
        lambda f: f["ratio_with_start"] >= f["least_ratio"],
        is_timing=True,
    ),
    Bound(
        "worker memory beyond the model, peak",
        "embedding",
        lambda f: f"{f['worker_beyond_model_mb']:.0f} MB",
        "<= 500 MB",
        lambda f: f["worker_beyond_model_mb"] <= f["most_beyond_model_mb"],
    ),
    Bound(
        "new chunks per edit, mean",
        "chunking",
        lambda f: f"{_edits(f, 'mean new ids'):.2f}",
        "<= 2.2",
        lambda f: _edits(f, "mean new ids") <= 2.2,
    ),
    Bound(
        "new chunks per edit, maximum",
        "chunking",
        lambda f: f"{_edits(f, 'most'):.0f}",
        "<= 8",
        lambda f: _edits(f, "most") <= 8,
    ),
    Bound(
        "recall, content-defined vs greedy",
        "chunking",
        lambda f: (
            f"{_recall(f, 'content-defined'):.3f} vs {_recall(f, 'greedy'):.3f} "
            f"(shorter: {_recall(f, 'greedy, shorter'):.3f})"
        ),
        ">= greedy - 0.02",
        lambda f: _recall(f, "content-defined") >= _recall(f, "greedy") - 0.02,
    ),
    Bound(
        "encoder alone / whole build, time",
        "refresh",
        lambda f: f"{f['encoder_alone_ratio']:.2f} of {f['full_s']:.0f} s",
        ">= 0.75",
        lambda f: f["encoder_alone_ratio"] >= 0.75,
        is_timing=True,
    ),
    Bound(
        "no-op: time without kernel starts",
        "refresh",
        lambda f: f"{f['noop_own_s']:.1f} s",
        "<= 10 s",
        lambda f: f["noop_own_s"] <= f["most_own_s"],
        is_timing=True,
    ),
    Bound(
        "no-op: texts, tables, pointer",
        "refresh",
        lambda f: (
            f"{f['noop_texts']}, "
            + ("unchanged" if f["noop_tables_unchanged"] and f["noop_pointer_unchanged"] else "changed")
        ),
        "0, unchanged",
        lambda f: f["noop_texts"] == 0 and f["noop_tables_unchanged"] and f["noop_pointer_unchanged"],
    ),
    Bound(
        "1 % edited: time of the run",
        "refresh",
        lambda f: f"{f['edit_s']:.1f} of {f['edit_budget_s']:.1f} s",
        "<= no-op + 2 % of full + 5 s",
        lambda f: f["edit_within_budget"],
        is_timing=True,
    ),
    Bound(
        "1 % edited: beyond its embedding",
        "refresh",
        lambda f: f"{f['edit_beyond_embedding_s']:.1f} s",
        "<= 10 s",
        lambda f: f["edit_beyond_embedding_s"] <= f["most_beyond_embedding_s"],
        is_timing=True,
    ),
    Bound(
        "1 % edited: texts embedded",
        "refresh",
        lambda f: f"{f['edit_texts']} of {f['edit_new_texts_of_edited']}",
        "only those of edited documents",
        lambda f: f["edit_only_their_chunks"],
    ),
    Bound(
        "every document twice: embedding",
        "refresh",
        lambda f: f"{f['twice_embedding_ratio']:.2f}",
        "1.00, twice the chunks",
        lambda f: f["twice_texts"] == 0 and f["twice_chunks"] == 2 * f["twice_distinct_texts"],
    ),
    Bound(
        "worker memory on serverless, peak",
        "memory",
        lambda f: f"{f['most in a worker']:.0f} MiB (45-megapixel page, not in a worker: {f[PAGE]:.0f})",
        "< 1,024 MiB",
        lambda f: f["most in a worker"] < f["most_udf_mib"],
    ),
    Bound(
        "interrupted load: rows, inserted",
        "slices",
        lambda f: f"{f['documents']['rows']}, {f['documents']['inserted']} in {f['documents']['merges']} slices",
        "all, once",
        lambda f: all(f[table]["rows"] == f[table]["inserted"] == f["files"] for table in ("documents", "chunks")),
    ),
    Bound(
        "sabotage: faults found, with their cause",
        "sabotage",
        lambda f: f"{f['found']} of {f['faults']}" + "".join(f", not {name}" for name in f["not_found"]),
        ">= 24 of 25",
        lambda f: f["faults"] >= 25 and f["found"] >= 0.96 * f["faults"],
    ),
    Bound(
        "monitoring: healthy systems with a false finding",
        "sabotage",
        lambda f: f"{f['runs_with_false_findings']} of {f['runs']}",
        "<= 1 in 200",
        lambda f: 200 * f["runs_with_false_findings"] <= max(200, f["runs"]),
    ),
    Bound(
        "fuzzed: crashes, orphans",
        "fuzz_documents",
        lambda f: f"{f['crashed']}, {f['orphans']} of {f['documents']}",
        "0, 0",
        lambda f: f["crashed"] == 0 and f["orphans"] == 0,
    ),
    Bound(
        "kill -9 of batches: lost, doubled, wrong",
        "batch_kills",
        lambda f: f"{f['lost']}, {f['doubled']}, {f['wrong']} of {f['questions']} after {f['kills']} kills",
        "0, 0, 0",
        lambda f: f["lost"] == f["doubled"] == f["wrong"] == f["left_over"] == 0,
    ),
    Bound(
        "kill -9: converged, orphans",
        "kills",
        lambda f: f"{f['converged']} of {f['kills']}, {f['orphans']}",
        "all, 0",
        lambda f: f["converged"] == f["kills"] and f["orphans"] == 0,
    ),
    Bound(
        "verdicts of a killed server that are one row on their answer",
        "feedback_kills",
        lambda f: f"{f['right']:,} of {f['verdicts']:,}, {f['doubled']} twice, {f['kills']} kills",
        "all",
        lambda f: f["right"] == f["rows"] == f["verdicts"] and f["doubled"] == 0,
    ),
)
