"""After every publish the index contains exactly the wanted rows, and an open reader finds them."""

import tempfile
from pathlib import Path
from types import ModuleType

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragops.corpus.index.generations.publish import publish
from ragops.corpus.index.reading.reader import IndexReader
from tests.support.locks import lock_of

# number of the row -> its page; the title of all decides the vectors
_WANTED = st.tuples(st.dictionaries(st.integers(0, 15), st.sampled_from([None, 1, 2])), st.sampled_from(["A", "B"]))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states=st.lists(_WANTED, min_size=1, max_size=4), models=st.lists(st.booleans(), min_size=4, max_size=4))
def test_the_index_equals_every_set_in_a_sequence(
    states: list[tuple[dict[int, int | None], str]], models: list[bool], corpus: ModuleType
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root, reader = Path(folder) / "index", None
        for (rows, title), other in zip(states, models, strict=False):
            entries = [corpus.entry(number, page=page, title=title) for number, page in rows.items()]
            source = corpus.source(entries, corpus.OTHER_MODEL if other else corpus.MODEL)
            report = publish(root, source, lock=lock_of(root), run_id="test", work_directory=Path(folder) / "work")
            reader = reader or IndexReader(root, Path(folder) / "readers")
            live = reader.generation()
            assert live.manifest.name == report.generation
            assert live.table.row_hashes() == source.rows()
            assert set(live.words.ids) == live.store.texts().keys() == {row.text_hash for row in entries}
            for row in entries:
                assert live.dense(row.vector, 1)[0].text_hash == row.text_hash
                assert live.lexical(f"number{row.text.split('number')[1].split()[0]}", 1)[0].text_hash == row.text_hash
        assert reader is not None
        reader.close()
