import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragops.exploration import pictures
from ragops.exploration.pictures import Picture
from ragops.exploration.profile import ALL, Measure, Profile, measured
from ragops.exploration.report import render, write_report
from ragops.exploration.wording import listed, number, plural, share
from ragops.platform.drawing import INK
from ragops.usecase import load_usecase
from tests.support.profiles import small_profile

USE_CASE = load_usecase(Path(__file__).parents[3] / "usecase.yml")


def drawn(profile: Profile) -> Iterator[Picture]:
    yield from pictures.document_pictures(profile, 256)
    yield from pictures.vocabulary_pictures(profile)
    yield from pictures.question_pictures(profile)
    yield from pictures.chunk_pictures(profile, 256, 200)
    yield from pictures.map_pictures(profile)


PICTURES = list(drawn(small_profile()))


def test_there_are_at_least_eight_pictures_each_of_its_own_name() -> None:
    assert len({picture.name for picture in PICTURES}) == len(PICTURES) >= 8


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_has_one_sentence_with_a_number_in_it(picture: Picture) -> None:
    assert re.fullmatch(r"[^.]+(?:\d\.\d[^.]*)*\.", picture.sentence.replace("a/x.md", "").replace("a/y.md", ""))
    assert re.search(r"\d", picture.sentence)
    assert "nan" not in picture.sentence


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_pictures_ink_is_the_pages(picture: Picture) -> None:
    assert "currentColor" in picture.svg and INK not in picture.svg
    assert "#000000" not in picture.svg and "#262626" not in picture.svg
    assert picture.png.startswith(b"\x89PNG")


def test_a_sentence_follows_the_numbers() -> None:
    changed = small_profile()
    changed.add([Measure("documents.count", ALL, 41), Measure("questions.far_share", ALL, 0.0)])
    changed.add(measured("chunking.recall_at_5", {"400": 0.99}))
    before, after = ({one.name: one.sentence for one in some} for some in (PICTURES, drawn(changed)))
    assert {name for name in before if before[name] != after[name]} >= {"sizes", "similarity", "recall"}
    assert "chunks of 400 find more, 99 %" in after["recall"]


def test_nothing_is_drawn_of_what_was_not_measured() -> None:
    profile = small_profile()
    gone = ("questions", "vocabulary", "chunking.recall")
    profile.measures = {key: value for key, value in profile.measures.items() if not key[0].startswith(gone)}
    profile.points = profile.points.iloc[:0]
    names = {picture.name for picture in drawn(profile)}
    assert not names & {"kinds", "clusters", "similarity", "domain-words", "pieces", "recall", "map"}
    assert "chunk-lengths" in names


def test_the_report_has_all_in_itself(tmp_path: Path) -> None:
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
    ("value", "said"), [(0, "0 %"), (0.001, "under 1 %"), (0.5, "50 %"), (0.999, "over 99 %"), (1, "100 %")]
)
def test_a_share_that_is_not_none_or_all_is_not_said_to_be(value: float, said: str) -> None:
    assert share(value) == said


def test_numbers_in_words() -> None:
    assert (number(1234), number(2_500_000)) == ("1,234", "2.5 million")
    assert (plural(1, "file"), plural(2, "file")) == ("1 file", "2 files")
    assert (listed([]), listed(["a"]), listed(["a", "b", "c"])) == ("", "a", "a, b and c")
