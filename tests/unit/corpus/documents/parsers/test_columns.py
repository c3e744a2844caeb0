from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.documents.parsers.columns import Box, in_columns

LEFT = (
    "The gardener prunes the trees",
    "in late winter, before the buds",
    "swell. He removes dead wood",
    "and at last the shoots",
)
RIGHT = (
    "The beehives stand behind the barn",
    "they are opened on warm days",
    "and never in the rain. A super",
    "weighs twenty kilograms",
)
THIRD = (
    "The pond is cleaned each spring",
    "when the frogs have left it for",
    "the meadow. Reeds are cut",
    "by hand and are dried",
)


def column(texts: tuple[str, ...], left: float, top: float = 100.0) -> list[Box]:
    return [Box(text, left, left + 6 * len(text), top + 14 * n, top + 14 * n + 11) for n, text in enumerate(texts)]


def texts(groups: list[list[Box]]) -> list[tuple[str, ...]]:
    return [tuple(box.text for box in sorted(group, key=lambda box: box.top)) for group in groups]


def test_columns_of_prose_follow_each_other() -> None:
    assert texts(in_columns(column(RIGHT, 320) + column(LEFT, 50))) == [LEFT, RIGHT]
    assert texts(in_columns(column(THIRD, 600) + column(RIGHT, 320) + column(LEFT, 50))) == [LEFT, RIGHT, THIRD]


def test_what_spans_the_columns_stays_where_it_is() -> None:
    heading, caption = Box("x " * 120, 50, 520, 60, 72), Box("y " * 120, 50, 520, 200, 212)
    below = column(RIGHT, 50, top=240) + column(LEFT, 320, top=240)
    groups = in_columns([heading, *column(LEFT, 50), *column(RIGHT, 320), caption, *below])
    assert texts(groups) == [(heading.text,), LEFT, RIGHT, (caption.text,), RIGHT, LEFT]


def test_labels_and_values_are_no_columns() -> None:
    labels, values = column(("Weight", "Height", "Width", "Colour"), 50), column(("5 kg", "30 cm", "9 cm", "red"), 320)
    assert len(in_columns(labels + values)) == 1


def test_cells_that_begin_with_capitals_are_no_columns() -> None:
    cells = ("Return within ten days", "Pay the invoice at once", "Send the form by post", "Ask the head of office")
    assert len(in_columns(column(cells, 50) + column(cells, 320))) == 1


def test_a_lone_column_and_nothing_are_one_group() -> None:
    assert texts(in_columns(column(LEFT, 50))) == [LEFT]
    assert in_columns([]) == [[]]


_edges = st.integers(0, 600)


@given(
    st.lists(
        st.builds(
            lambda text, x, w, y, h: Box(text, x, x + w, y, y + h),
            st.sampled_from(LEFT + RIGHT),
            _edges,
            st.integers(0, 300),
            _edges,
            st.integers(0, 20),
        )
    )
)
def test_no_box_is_lost_or_doubled(boxes: list[Box]) -> None:
    groups = in_columns(boxes)
    assert sorted(map(id, boxes)) == sorted(id(box) for group in groups for box in group)
