"""The measures on real tables: a small corpus whose copies, boilerplate, faults and answers are known."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ragops.answers.llms.providers.token_counts import llm_counter
from ragops.corpus.chunks.stage import refresh_chunks
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.stage import refresh_documents
from ragops.corpus.embeddings.model import tokenizer_file
from ragops.corpus.embeddings.recipes import encoder_source
from ragops.corpus.embeddings.stage import refresh_embeddings
from ragops.errors import UserError
from ragops.exploration.chunk_sizes.measures import profile_chunking, sizes_to_try
from ragops.exploration.documents.measures import profile_documents
from ragops.exploration.duplicates import near_duplicates, profile_duplicates
from ragops.exploration.facts import FACTS, refresh_facts
from ragops.exploration.map import profile_map
from ragops.exploration.profile import PROFILE, Profile
from ragops.exploration.questions.kinds import ExploredQuestion
from ragops.exploration.questions.measures import asked_questions, profile_questions, questions_in_table
from ragops.exploration.vocabulary.measures import profile_vocabulary
from ragops.platform.workspace import LEDGER, Workspace, models_folder
from ragops.quality.feedback.files import record_answer
from ragops.quality.feedback.rows import ANSWERS
from ragops.quality.feedback.stage import merge_answers
from ragops.usecase import load_usecase
from tests.support.feedback import an_answer

USE_CASE = load_usecase(Path(__file__).parents[3] / "usecase.yml")
TOKENIZER = tokenizer_file(USE_CASE.embedding)
LLM = llm_counter(USE_CASE.models, Path)
ANIMALS = ("heron", "badger", "otter", "kestrel", "lynx", "marten", "osprey", "polecat")
NOTICE = "This notice is at the end of every page and says nothing about any animal at all, whatever it may be."


def write_corpus(folder: Path) -> None:
    for number, animal in enumerate(ANIMALS):
        path = folder / ("birds" if animal in ("heron", "kestrel", "osprey") else "mammals") / f"{animal}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        seen = (f"The {animal} was seen on day {day} of year {number} beside the river." for day in range(40))
        path.write_text(f"# The {animal}\n\nIt eats {number + 2} fish before noon.\n\n{' '.join(seen)}\n\n{NOTICE}\n")
    otter = (folder / "mammals" / "otter.md").read_text()
    (folder / "copy.md").write_text(otter)
    (folder / "almost.md").write_text(otter.replace("fish", "trout"))
    (folder / "staff.txt").write_text("Write to jane.doe@firma.de or call +49 30 1234567 about the badger.\n")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing else")


@pytest.fixture
def explored(workspace: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    write_corpus(tmp_path)
    refresh_documents(workspace, tmp_path, ParseLimits())
    refresh_facts(workspace, TOKENIZER, LLM)
    yield workspace


def test_without_documents_the_error_names_the_job_to_run(workspace: Workspace) -> None:
    with pytest.raises(UserError, match="documents: none in .*; run the job refresh"):
        refresh_facts(workspace, TOKENIZER, LLM)


def test_questions_are_read_from_a_table(workspace: Workspace) -> None:
    feedback = workspace.spark.createDataFrame([("b",), ("a ",), ("a",), (" ",), (None,)], "question STRING")
    feedback.write.saveAsTable(workspace.table("feedback"))
    feedback.selectExpr("question AS q").write.saveAsTable(workspace.table("other"))
    feedback.limit(0).write.saveAsTable(workspace.table("empty"))
    full = f"{workspace.catalog}.{workspace.schema}.feedback"
    assert [one.question for one in questions_in_table(workspace, "feedback")] == ["a", "b"]
    assert questions_in_table(workspace, full) == questions_in_table(workspace, "feedback")
    wrong = {"nowhere": "there is no table", "other": "no column question, only q", "empty": "has no questions"}
    for name, expected in wrong.items():
        with pytest.raises(UserError, match=f"^parameter questions: .*{expected}"):
            questions_in_table(workspace, name)


def test_what_people_asked_is_read_from_the_answers(workspace: Workspace) -> None:
    assert asked_questions(workspace) == []
    ANSWERS.create(workspace)
    assert asked_questions(workspace) == []
    for question in ("b", " a", "a"):
        record_answer(workspace.volume(LEDGER), an_answer(question=question))
    merge_answers(workspace)
    assert [one.question for one in asked_questions(workspace)] == ["a", "b"]


def test_documents_and_their_copies_are_measured(explored: Workspace) -> None:
    profile = Profile.begin()
    profile.add(profile_documents(explored))
    profile.add(profile_duplicates(explored))
    assert profile.value("documents.count") == 11
    assert profile.value("documents.count", "source=birds") == 3
    assert LLM.model == "smollm2"
    assert 0.5 < profile.value("documents.llm_tokens") / profile.value("documents.tokens") < 2
    assert profile.value("documents.count", "source=(top)") == 3
    assert profile.value("documents.count", "format=txt") == 1
    assert profile.value("structure.headings_share", "format=md") == 1
    assert sum(profile.groups("documents.length").values()) == 11
    assert sum(profile.groups("updates.modified").values()) == 11
    assert profile.value("quarantine.count") == 1
    assert (profile.value("personal.emails"), profile.value("personal.phones")) == (1, 1)
    assert profile.groups("personal.document") == {"staff.txt": 2}
    assert profile.value("duplicates.exact") == 1
    assert profile.value("duplicates.near") == 2
    assert profile.value("boilerplate.paragraphs") >= 1
    assert profile.groups("boilerplate.paragraph")[NOTICE[:80].strip()] == 10
    paths = {row["doc_id"]: row["path"] for row in explored.spark.table(explored.table("documents")).collect()}
    pairs = near_duplicates(explored).where("similarity >= 0.8").collect()
    named = {frozenset((paths[row["doc_id"]], paths[row["kept"]])) for row in pairs}
    assert {"mammals/otter.md", "copy.md", "almost.md"} == set().union(*named)


def test_only_changed_documents_are_counted_again(explored: Workspace, tmp_path: Path) -> None:
    assert refresh_facts(explored, TOKENIZER, LLM).idle
    lynx = tmp_path / "mammals" / "lynx.md"
    lynx.write_text(lynx.read_text() + "\nIt was seen again.\n")
    (tmp_path / "copy.md").unlink()
    refresh_documents(explored, tmp_path, ParseLimits())
    report = refresh_facts(explored, TOKENIZER, LLM)
    assert (report.read, report.changed, report.deleted, report.added) == (1, 1, 1, 0)
    assert FACTS.read(explored).count() == 10


def test_vocabulary_questions_sizes_and_map_are_measured_and_saved(explored: Workspace) -> None:
    source = encoder_source(USE_CASE.embedding, "openvino", converted=models_folder(explored))
    refresh_chunks(explored, USE_CASE.chunking, TOKENIZER)
    refresh_embeddings(explored, USE_CASE.embedding, source)
    questions = [
        ExploredQuestion(question=f"What does the {animal} eat?", anchor=f"{n + 2} fish")
        for n, animal in enumerate(ANIMALS)
    ]
    questions.append(ExploredQuestion(question="quarterly tax returns of limited companies"))
    profile = Profile.begin()
    profile.add(profile_vocabulary(explored, "en", TOKENIZER))
    profile.add(profile_questions(explored, USE_CASE.embedding, source, questions))
    sizes = sizes_to_try(USE_CASE.chunking, [64])
    profile.add(profile_chunking(explored, USE_CASE.embedding, source, questions, sizes, documents=100))
    profile_map(explored, USE_CASE.embedding, profile)
    assert "otter" in profile.groups("vocabulary.domain_word")
    assert profile.value("questions.count") == sum(profile.groups("questions.similarity").values()) == 9
    assert profile.groups("questions.kind")["question"] == 8
    assert profile.value("chunking.questions") == 8
    assert list(profile.groups("chunking.chunks")) == ["64", "200"]
    assert profile.groups("chunking.chunks")["64"] > profile.groups("chunking.chunks")["200"]
    for size in ("64", "200"):
        found = [profile.value(f"chunking.recall_at_{depth}", size) for depth in (5, 10)]
        assert 0.5 <= found[0] <= found[1] <= 1
    assert set(profile.points["source"]) == {"birds", "mammals", "(top)"}
    assert profile.save(explored) == len(profile.measures) == PROFILE.read(explored).count()
    assert profile.save(explored) == 0
    again = Profile.begin()
    again.add(profile_chunking(explored, USE_CASE.embedding, source, questions, sizes, documents=3))
    assert again.value("chunking.chunks", "64") < profile.value("chunking.chunks", "64")
