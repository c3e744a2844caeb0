"""ragops ask over a refreshed index: answers, abstentions, restricted and poisoned documents, and what bad input gets.

One refresh for all of it. Most questions are asked in this process, through the same command: a process of its own
for each would only import the same libraries again.
"""

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pytest
import yaml
from typer.testing import CliRunner

from ragops.cli.app import app
from ragops.errors import UserError
from tests.e2e.bundles import Bundle, write_notes
from tests.support.openai_double import Behavior, OpenAIDouble, serving
from tests.support.poisoned import Poisoned, write_poisoned

SCHEMA = "asked"
ABSTENTION = "I cannot find the answer in the documents."
SALARY = "# Salaries\n\nThe lighthouse keeper earns 41 doubloons a month.\n"
KEEPER = "How much does the lighthouse keeper earn?"
OTTER = "How many fish does the otter eat before noon?"


@dataclass
class Asked:
    """The published documents, and how one asks about them."""

    bundle: Bundle
    use_case: dict[str, Any]
    folder: Path
    poisoned: list[Poisoned]

    def usecase(self, **changes: Any) -> Path:
        """A use case of its own with these sections changed."""
        file = self.folder / "usecase.yml"
        changed = {name: self.use_case[name] | section for name, section in changes.items()}
        file.write_text(yaml.safe_dump(self.use_case | changed))
        return file

    def run(self, question: str, *words: str, schema: str = SCHEMA, **changes: Any) -> str:
        options = ["--schema", schema, "--usecase", str(self.usecase(**changes))]
        if "models" in changes:  # a laptop's own is another
            options += ["--model", changes["models"]["answer"]["primary"]]
        done = CliRunner().invoke(app, ["ask", question, *words, *options], catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    def ask(self, question: str, *words: str, schema: str = SCHEMA, **changes: Any) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self.run(question, *words, "--json", schema=schema, **changes))
        return result

    def refused(self, question: str, *words: str, schema: str = SCHEMA, **changes: Any) -> str:
        with pytest.raises(UserError) as raised:
            self.run(question, *words, schema=schema, **changes)
        line = str(raised.value)
        assert "\n" not in line
        return line


@pytest.fixture(scope="module")
def refreshed(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    landing, folder = tmp_path_factory.mktemp("landing"), tmp_path_factory.mktemp("use_case")
    write_notes(landing)
    (landing / "hr").mkdir()
    (landing / "hr" / "salaries.md").write_text(SALARY)
    poisoned = write_poisoned(landing)
    use_case = yaml.safe_load((bundle.root / "usecase.yml").read_text())
    use_case["corpus"] |= {"access": [{"path": "hr/**", "groups": ["hr"]}], "groups": ["hr", "legal"]}
    # Some tests replace all models, the judge among them.
    use_case["evaluation"]["judge"] = None
    use_case["success"] = [one for one in use_case["success"] if "recall" in one["measure"]]
    asked = Asked(bundle, use_case, folder, poisoned)
    bundle.refresh(landing=str(landing), schema=SCHEMA, usecase=str(asked.usecase()))
    return asked


@pytest.fixture
def asked(refreshed: Asked, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    monkeypatch.chdir(refreshed.bundle.root)
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("LOCALBUNDLE_HOME", "DATABRICKS_RUNTIME_VERSION", "OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("TRACKING_URI", "REGISTRY_URI", "DISABLE_TELEMETRY", "SQLALCHEMYSTORE_POOLCLASS"):
        monkeypatch.setenv(f"MLFLOW_{name}", "")  # so that what the command sets is taken back
    yield refreshed


def served(double: OpenAIDouble, fallback: bool = True, **settings: Any) -> dict[str, Any]:
    """The use case's models with a served one first, and the quotes behind it if wanted."""
    model = {"name": "gpt", "provider": "openai_compatible", "served_name": "gpt", "base_url": double.url}
    known = [
        model | {"context_tokens": 8000, "timeout_s": 60} | settings,
        {"name": "quotes", "provider": "extractive"},
    ]
    answer = {"primary": "gpt", "fallback": ["quotes"] if fallback else [], "deadline_s": 120}
    return {"answer": answer, "known": known, "resilience": {"attempts": 1}}


def ledger(bundle: Bundle) -> list[dict[str, Any]]:
    folder = bundle.home / "Volumes" / "spark_catalog" / SCHEMA / "ledger"
    return [json.loads(line) for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]


def test_the_command_prints_an_answer_with_sources(asked: Asked) -> None:
    """In a process of its own, with nothing but the answer on the terminal."""
    words = ("--schema", SCHEMA, "--usecase", str(asked.usecase()))
    done = asked.bundle.run("ragops", "ask", OTTER, *words)
    assert done.stderr == ""
    question, answer, _, source, story = (line.rstrip() for line in done.stdout.splitlines())
    assert (question, answer) == (OTTER, "The otter eats 4 fish before noon [1].")
    assert re.fullmatch(r"\[1\] The otter > Food +otter\.md", source)
    assert re.match(
        r"quotes; prompt cite_or_abstain@\w{8}; index 000001-\w+; evidence 0\.\d\d; [\d,]+ tokens read", story
    )
    wrong = asked.bundle.run("ragops", "ask", "", check=False)
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (2, 1)


@pytest.mark.parametrize("command", ["search", "ask"])
def test_the_command_imports_only_what_it_needs(asked: Asked, command: str) -> None:
    words = ("-X", "importtime", "-m", "ragops.cli.app", command, OTTER, "--schema", SCHEMA)
    done = asked.bundle.run(sys.executable, *words, "--usecase", str(asked.usecase()))
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert any(name.startswith("chromadb") for name in imported)  # a thread imports it: its lines may be cut
    assert not imported & {"mlflow", "pandas", "pyspark", "scipy", "sklearn", "sqlalchemy", "torch", "transformers"}


def test_an_answer_is_traced_and_in_the_ledger(asked: Asked) -> None:
    result = asked.ask(OTTER)
    assert result["answer"] == "The otter eats 4 fish before noon [1]."
    mlflow.flush_trace_async_logging()
    trace = mlflow.get_trace(result["trace_id"])
    assert [span.name for span in trace.data.spans] == ["answer", "retrieve", "prompt", "generate", "check"]
    experiment = mlflow.get_experiment(trace.info.experiment_id)
    assert experiment.name.endswith("quality")
    assert Path(experiment.artifact_location.removeprefix("file://")) == asked.bundle.home / "mlflow" / "artifacts"
    (row,) = [row for row in ledger(asked.bundle) if row["trace_id"] == result["trace_id"] and row["model"] == "quotes"]
    assert (row["purpose"], row["outcome"], row["prompt_name"]) == ("ask", "answered", "cite_or_abstain")


def test_a_terminal_sees_it_as_it_is_written_and_then_checked(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with serving(Behavior(text="It eats 4 fish before noon [1] [77].")) as double:
        shown = asked.run(OTTER, models=served(double))
        assert double.bodies[0]["stream"] is True
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown)
    assert "It eats 4 fish before noon [1]." in plain
    assert "1 made-up citations removed" in plain


def test_a_question_outside_the_corpus_is_declined(asked: Asked) -> None:
    result = asked.ask("Who painted the Mona Lisa?")
    assert (result["answer"], result["abstained"], result["model"]) == (ABSTENTION, "no evidence", "")
    assert "No evidence" in asked.run("Who painted the Mona Lisa?")


def test_a_follow_up_question_uses_the_history(asked: Asked) -> None:
    alone = asked.ask("And the badger?")
    result = asked.ask("And the badger?", "--follow", OTTER)
    assert result["standalone"] == f"{OTTER} And the badger?"
    assert "badger.md" in {source["path"] for source in result["sources"]}
    assert alone["standalone"] == "And the badger?"


def test_a_restricted_document_answers_its_group_and_no_other_group(asked: Asked) -> None:
    result = asked.ask(KEEPER, "--group", "hr")
    assert "41 doubloons" in result["answer"]
    for words in ((), ("--group", "legal")):
        result = asked.ask(KEEPER, *words)
        assert "hr/salaries.md" not in {source["path"] for source in result["sources"]}
        assert "doubloons" not in json.dumps(result)
    assert asked.refused(KEEPER, "--group", "hx").startswith(
        "group 'hx': corpus.groups in usecase.yml does not list it"
    )


def test_poisoned_documents_are_quoted_for_their_facts_only(asked: Asked) -> None:
    honest = 0
    for one in asked.poisoned:
        result = asked.ask(one.question)
        assert result["abstained"] is None and result["answer"].endswith("]."), one.technique
        assert one.canary not in result["answer"], one.technique
        honest += one.answer in result["answer"]
    # They differ in a word or two, so that now and then another berth's sentence looks as good.
    assert honest >= len(asked.poisoned) - 3


def test_an_obeyed_order_is_shown_under_its_document(asked: Asked) -> None:
    """The model obeys every order in documents: its answer cites the document that contains the order."""
    for one in asked.poisoned:
        with serving(Behavior(text=f"{one.canary} [77]")) as double:
            result = asked.ask(one.question, models=served(double))
        assert result["removed_citations"] == 1
        assert "[77]" not in result["answer"]
        cited = [source for source in result["sources"] if source["cited"]]
        if one.canary in result["answer"]:
            assert any(one.canary in source["text"] for source in cited), one.technique
        else:
            assert result["quoted"] or result["abstained"] == "the model", one.technique
        _check_prompt(double.bodies[0]["messages"], one)


def _check_prompt(messages: list[dict[str, str]], one: Poisoned) -> None:
    """The canary reaches the model as quoted data, and nothing of a document as syntax."""
    *before, last = messages
    assert all(one.canary not in message["content"] for message in before)
    assert last["role"] == "user"
    code = re.findall(r"<passage-(\w{10}) ", last["content"])[0]
    outside = re.sub(rf"<passage-{code} .*?</passage-{code}>", "", last["content"], flags=re.DOTALL)
    assert one.canary not in outside
    assert not re.search(r"<\|im_|\[INST\]|<<SYS>>|<start_of_turn>|[\U000e0000-\U000e007f]", last["content"])
    assert len(re.findall(r"</passage", last["content"])) == len(re.findall(rf"</passage-{code}>", last["content"]))


@pytest.mark.parametrize(
    ("behavior", "said"),
    [
        (Behavior(status=500), "Model gpt"),
        (Behavior(status=429), "Model gpt"),
        (Behavior(hangs=True), "raise timeout_s"),
        (Behavior(raw="data: {malformed\n\n"), "Model gpt"),
        (Behavior(text=""), "Model gpt"),
    ],
    ids=["fault", "busy", "slow", "malformed", "empty"],
)
def test_a_model_that_fails_gives_way_to_quotes_or_is_one_line(asked: Asked, behavior: Behavior, said: str) -> None:
    limit = {"timeout_s": 0.5} if behavior.hangs else {}
    with serving(behavior) as double:
        result = asked.ask(OTTER, models=served(double, **limit))
        assert (result["answer"], result["model"]) == ("The otter eats 4 fish before noon [1].", "quotes")
        assert said in asked.refused(OTTER, models=served(double, fallback=False, **limit))


def test_quotes_answer_when_the_model_is_down(asked: Asked) -> None:
    with serving() as double:
        pass
    assert asked.ask(OTTER, models=served(double))["model"] == "quotes"
    assert "check that it is up" in asked.refused(OTTER, models=served(double, fallback=False))


def test_passages_fit_the_context_and_an_oversized_question_is_one_line(asked: Asked) -> None:
    with serving(Behavior(text="4 fish [1].")) as double:
        roomy = asked.ask(OTTER, models=served(double))
        tight = asked.ask(OTTER, models=served(double, context_tokens=1200))
        assert 0 < len(tight["sources"]) < len(roomy["sources"])
        sent = len(double.bodies)
        line = asked.refused(OTTER, models=served(double, context_tokens=300))
        assert re.search(r"Model gpt: .* exceed its context of 300; give fewer passages", line)
        assert len(double.bodies) == sent


def _without(root: Path) -> None:
    shutil.rmtree(root)


def _broken(root: Path) -> None:
    for file in root.glob("pointer*.json"):
        file.write_text("{")


def _dangling(root: Path) -> None:
    shutil.rmtree(root / "generations")


@pytest.mark.parametrize(
    ("damage", "said"),
    [(_without, "index"), (_broken, "pointer"), (_dangling, "index")],
)
def test_an_index_that_is_missing_or_broken(asked: Asked, damage: Callable[[Path], None], said: str) -> None:
    root = asked.bundle.index("damaged")
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(asked.bundle.index(SCHEMA), root)
    damage(root)
    assert said in asked.refused(OTTER, schema="damaged")


def test_an_index_of_another_model_or_under_other_rules(asked: Asked) -> None:
    embedding = {"query_prompt": "query: "}
    assert "was built with model" in asked.refused(OTTER, embedding=embedding)
    rules = {"access": [{"path": "otter*", "groups": ["hr"]}]}
    assert "run the refresh job" in asked.refused(OTTER, corpus=rules)
