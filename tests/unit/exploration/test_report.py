import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragops.exploration.chunk_sizes.pictures import chunk_pictures
from ragops.exploration.documents.pictures import document_pictures
from ragops.exploration.map import map_pictures
from ragops.exploration.profile import ALL, Measure, Profile, measured
from ragops.exploration.questions.pictures import question_pictures
from ragops.exploration.report import render, write_report
from ragops.exploration.vocabulary.pictures import vocabulary_pictures
from ragops.exploration.wording import listed, number, plural, share
from ragops.platform.drawing import INK, Picture
from ragops.usecase import load_usecase
from tests.support.profiles import small_profile

USE_CASE = load_usecase(Path(__file__).parents[3] / "usecase.yml")


def drawn(profile: Profile) -> Iterator[Picture]:
    yield from document_pictures(profile, 256)
    yield from vocabulary_pictures(profile)
    yield from question_pictures(profile)
    yield from chunk_pictures(profile, 256, 200)
    yield from map_pictures(profile)


PICTURES = list(drawn(small_profile()))


def test_there_are_at_least_eight_pictures_with_unique_names() -> None:
    assert len({picture.name for picture in PICTURES}) == len(PICTURES) >= 8


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_has_one_sentence_with_a_number_in_it(picture: Picture) -> None:
    assert re.fullmatch(r"[^.]+(?:\d\.\d[^.]*)*\.", picture.sentence.replace("a/x.md", "").replace("a/y.md", ""))
    assert re.search(r"\d", picture.sentence)
    assert "nan" not in picture.sentence


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_has_the_text_color_of_its_page(picture: Picture) -> None:
    assert "currentColor" in picture.svg and INK not in picture.svg
    assert "#000000" not in picture.svg and "#262626" not in picture.svg
    assert picture.png.startswith(b"\x89PNG")


def test_a_sentence_changes_with_its_numbers() -> None:
    changed = small_profile()
    changed.add([Measure("documents.count", ALL, 41), Measure("questions.far_share", ALL, 0.0)])
    changed.add(measured("chunking.recall_at_5", {"400": 0.99}))
    before, after = ({one.name: one.sentence for one in some} for some in (PICTURES, drawn(changed)))
    assert {name for name in before if before[name] != after[name]} >= {"sizes", "similarity", "recall"}
    assert "chunks of 400 find more, 99 %" in after["recall"]


def test_what_was_not_measured_is_not_drawn() -> None:
    profile = small_profile()
    gone = ("questions", "vocabulary", "chunking.recall")
    profile.measures = {key: value for key, value in profile.measures.items() if not key[0].startswith(gone)}
    profile.points = profile.points.iloc[:0]
    names = {picture.name for picture in drawn(profile)}
    assert not names & {"kinds", "clusters", "similarity", "domain-words", "pieces", "recall", "map"}
    assert "chunk-lengths" in names


def test_the_report_is_self_contained(tmp_path: Path) -> None:
    file = write_report(
        render(small_profile(), USE_CASE, "c.<s>", {"All": PICTURES, "None": []}), tmp_path / "new", "name"
    )
    html = file.read_text()
    assert file == tmp_path / "new" / "name.html"
    assert html.count("<figure") == len(PICTURES) == html.count("<svg")
    assert "c.&lt;s&gt;" in html and "<h2>None</h2>" not in html
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", re.sub(r"xlink:href=\"#", "", html))
    assert "<script" not in html
    assert "Prompt engineering alone" in html and "chunking.max_tokens" in html


@pytest.mark.parametrize(
    ("value", "expected"), [(0, "0 %"), (0.001, "under 1 %"), (0.5, "50 %"), (0.999, "over 99 %"), (1, "100 %")]
)
def test_only_0_and_1_are_written_as_0_and_100_percent(value: float, expected: str) -> None:
    assert share(value) == expected


def test_numbers_and_lists_in_sentences() -> None:
    assert (number(1234), number(2_500_000)) == ("1,234", "2.5 million")
    assert (plural(1, "file"), plural(2, "file")) == ("1 file", "2 files")
    assert (listed([]), listed(["a"]), listed(["a", "b", "c"])) == ("", "a", "a, b and c")
