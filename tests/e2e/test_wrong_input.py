"""Wrong parameters: one clear line that names them, exit code not 0, before Spark starts."""

from pathlib import Path

import pytest

from tests.e2e.bundles import Bundle


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"catalog": "nowhere"}, "parameter catalog is 'nowhere': there is no such catalog here; use spark_catalog"),
        ({"schema": "my docs"}, "parameter schema is 'my docs': a schema's name has letters, digits and underscores"),
        ({"landing": "/no/such/folder"}, "parameter landing: no folder /no/such/folder; give landing=/path/to/folder"),
        ({"landing": "relative"}, "parameter landing is 'relative': give an absolute path"),
        ({"allow_deletes": "perhaps"}, "parameter allow_deletes is 'perhaps'"),
        ({"encoder": "abacus"}, "parameter encoder is 'abacus'"),
        ({"usecase": "/no/use_case.yml"}, "usecase: cannot read /no/use_case.yml"),
        ({"landnig": "/tmp"}, "landing"),
    ],
)
def test_a_wrong_parameter_is_refused_before_spark(cold_bundle: Bundle, parameters: dict[str, str], said: str) -> None:
    _refused(cold_bundle, parameters, said)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("max_delete_fraction: 0.2", "max_delete_fraction: 20", "documents.max_delete_fraction is 20"),
        ("max_tokens: 200", "max_tokens: many", "chunking.max_tokens is 'many'"),
        ("min_tokens: 48", "min_tokens: 180", "min_tokens 180 and max_tokens 200"),
        ("owner: platform-team", "ownr: platform-team", "corpus."),
        ("questions: sample", "questions: [", "is not YAML"),
    ],
)
def test_a_wrong_use_case_is_refused_before_spark(
    cold_bundle: Bundle, tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    use_case = tmp_path / "use_case.yml"
    text = (cold_bundle.root / "usecase.yml").read_text()
    assert right in text
    use_case.write_text(text.replace(right, wrong, 1))
    _refused(cold_bundle, {"usecase": str(use_case), "landing": str(tmp_path)}, said)


def _refused(bundle: Bundle, parameters: dict[str, str], said: str) -> None:
    pairs = ",".join(f"{name}={value}" for name, value in parameters.items())
    assert said in bundle.refused("localbundle", "run", "refresh", "-t", "dev", "--params", pairs)


def test_a_refusal_of_the_command_itself_is_one_line_too(cold_bundle: Bundle) -> None:
    done = cold_bundle.refresh(check=False, catalog="nowhere")
    assert done.returncode == 2
    assert "parameter catalog is 'nowhere'" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ragops", "search", "x"), "make demo"),
        (("ragops", "search", ""), "question: it is empty"),
        (("ragops", "search", "\x1b[31m"), "U+001B"),
        (("ragops", "evaluate", "retrieval"), "make demo"),
        (("ragops", "index", "list", "-t", "nowhere"), "no local workspace for target nowhere"),
    ],
)
def test_commands_without_a_workspace_say_what_to_run(cold_bundle: Bundle, words: tuple[str, ...], said: str) -> None:
    assert said in cold_bundle.refused(*words)
