"""The chain that answers, while it is replaced."""

from pathlib import Path

import pytest

from ragops.errors import UserError
from ragops.serving.model.registered import ChainVersion
from ragops.serving.server.chains import Chains
from ragops.serving.server.types import Backend, NotReady
from tests.support.served import ShelfSearcher, Shelved


def searcher(source: Shelved, number: int) -> ShelfSearcher:
    found = source.opened[number].searcher
    assert isinstance(found, ShelfSearcher)
    return found


def test_before_the_first_version_the_reason_is_given() -> None:
    source = Shelved(error=UserError("model main.rag.chain: it has no champion yet; run the release"))
    chains = Chains(source, 60)
    chains.look()
    with pytest.raises(NotReady, match="it has no champion yet"), chains.use():
        pass
    source.error = None
    chains.look()
    with chains.use() as backend:
        assert backend.version == ChainVersion("main.rag.chain", "1")
    assert chains.problem == ""


def test_a_new_version_serves_new_answers_and_the_old_one_ends_with_its_last() -> None:
    source = Shelved()
    chains = Chains(source, 60)
    chains.look()
    with chains.use() as old:
        source.version = "2"
        chains.look()
        assert not searcher(source, 0).closed, "an answer still uses it"
        with chains.use() as new:
            assert (old.version.version, new.version.version) == ("1", "2")
    assert searcher(source, 0).closed and not searcher(source, 1).closed


def test_a_version_that_cannot_be_opened_leaves_the_old_one_serving() -> None:
    class Broken(Shelved):
        def open(self, version: ChainVersion) -> Backend:
            if version.version == "2":
                raise UserError("model: its encoder is missing; download the model again")
            return super().open(version)

    source = Broken()
    chains = Chains(source, 60)
    chains.look()
    source.version = "2"
    chains.look()
    with chains.use() as backend:
        assert backend.version.version == "1"
    assert "its encoder is missing" in chains.problem


def test_a_deleted_champion_leaves_the_opened_version_serving() -> None:
    source = Shelved()
    chains = Chains(source, 60)
    chains.look()
    source.error = UserError("model main.rag.chain: it has no champion yet")
    chains.look()
    with chains.use() as backend:
        assert backend.version.version == "1"
    assert "no champion" in chains.problem and len(source.opened) == 1


def test_closing_waits_for_the_answer_that_uses_the_chain(tmp_path: Path) -> None:
    source = Shelved()
    chains = Chains(source, 60)
    chains.look()
    with chains.use():
        chains.close()
        assert not searcher(source, 0).closed
    assert searcher(source, 0).closed
    with pytest.raises(NotReady), chains.use():
        pass


def test_it_follows_in_the_background() -> None:
    source = Shelved()
    chains = Chains(source, 0.005)
    chains.start()
    source.version = "2"
    while chains.version != ChainVersion("main.rag.chain", "2"):
        pass
    chains.close()
