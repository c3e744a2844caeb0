"""Chunks that follow each other as one text, without what a later one repeats of an earlier one."""

from collections.abc import Sequence

from ragops.corpus.index.passages import Passage

_FENCES = ("```", "~~~")


def joined(passages: Sequence[Passage]) -> str:
    """Neighbouring chunks of one document, in its order, as one Markdown text.

    A heading is put where a chunk's section differs from the one before: headings are not in the chunks' texts.
    """
    text, path = passages[0].text, passages[0].heading_path
    for passage in passages[1:]:
        if passage.heading_path != path and passage.heading_path:
            path = passage.heading_path
            text = f"{text}\n\n{'#' * min(len(path), 6)} {path[-1]}\n\n{passage.text}"
        else:
            text = join(text, passage.text)
    return text


def join(before: str, after: str) -> str:
    """Two texts that follow each other, with what the splitter repeats, where it had to cut, standing once.

    That is a table's header, and a code block's fences: chunks do not overlap otherwise.
    """
    first, second = before.split("\n"), after.split("\n")
    if _is_table(second) and second[:2] in _pairs(first) and first[-1].lstrip().startswith("|"):
        return "\n".join([*first, *second[2:]])
    if _is_fence(second[0]) and first[-1].strip() == second[0].strip()[:3] and second[0] in first[:-1]:
        return "\n".join([*first[:-1], *second[1:]])
    return f"{before}\n\n{after}"


def _is_table(lines: Sequence[str]) -> bool:
    return len(lines) > 1 and "-" in lines[1] and not lines[1].strip(" |:-")


def _is_fence(line: str) -> bool:
    return line.strip().startswith(_FENCES)


def _pairs(lines: Sequence[str]) -> list[list[str]]:
    return [list(lines[i : i + 2]) for i in range(len(lines) - 1)]
