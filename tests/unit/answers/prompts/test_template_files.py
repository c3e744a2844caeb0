"""Shipped templates, a team's own, and files that cannot be read."""

import tempfile
from pathlib import Path
from typing import get_args

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.prompts.template import Technique, Template
from ragops.answers.prompts.template_files import PromptSettings, find, load_template, load_templates, save_template
from ragops.errors import UserError
from tests.support.template_files import VALID, valid_template, write_template

SHIPPED = load_templates(PromptSettings(), Path())


def test_every_technique_has_a_shipped_template() -> None:
    assert {template.technique for template in SHIPPED.values()} == set(get_args(Technique))
    assert len([template for template in SHIPPED.values() if template.task == "answer"]) >= 6


def test_the_default_templates_exist() -> None:
    settings = PromptSettings()
    assert find(SHIPPED, settings.answer, "answer").abstention
    assert find(SHIPPED, settings.rewrite, "rewrite").name == "standalone_question"


def test_all_shipped_templates_share_one_sentence_of_abstention() -> None:
    sentences = {template.abstention for template in SHIPPED.values() if template.abstention}
    assert len(sentences) == 1


def test_the_shipped_schema_is_valid_and_accepts_an_abstention() -> None:
    schema = SHIPPED["structured"].response_schema
    assert schema is not None
    jsonschema.Draft202012Validator.check_schema(schema)
    abstaining = {"answerable": False, "answer": SHIPPED["structured"].abstention, "citations": []}
    jsonschema.validate(abstaining, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**abstaining, "citations": ["1"]}, schema)


def test_the_content_hash_does_not_depend_on_the_order_in_the_file(tmp_path: Path) -> None:
    turned = dict(reversed(VALID.items()))
    assert (
        load_template(write_template(tmp_path, yaml.safe_dump(turned, sort_keys=False))).content_hash
        == valid_template().content_hash
    )


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("name: [plain", "is not YAML: line 2, did not find expected"),
        ("a: b\n  c: d", "is not YAML: line 2, mapping values"),
        (b"name: caf\xe9", "byte 9 is not UTF-8; save the file as UTF-8"),
        ("\0", "is not YAML: .*not allowed"),
        ("", "Input should be a valid dictionary"),
        ("- plain", "Input should be a valid dictionary"),
    ],
)
def test_a_file_that_is_not_a_template_is_one_line(tmp_path: Path, content: str | bytes, line: str) -> None:
    with pytest.raises(UserError, match=line) as raised:
        load_template(write_template(tmp_path, content))
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none.yml: cannot be read .No such file or directory.; correct the path"):
        load_template(tmp_path / "none.yml")


def test_a_name_other_than_the_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="other.yml: its name is plain"):
        load_template(write_template(tmp_path, VALID, "other.yml"))


def test_a_teams_own_templates_are_added_and_replace_shipped_ones(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    write_template(own, VALID)
    write_template(own, VALID | {"name": "brief"}, "brief.yaml")
    (own / "README.md").write_text("not a template")
    found = load_templates(PromptSettings(templates="own"), tmp_path)
    assert found.keys() == SHIPPED.keys() | {"plain"}
    assert found["brief"].description == VALID["description"]
    assert list(found) == sorted(found)


def test_two_files_with_the_same_name_are_refused(tmp_path: Path) -> None:
    write_template(tmp_path, VALID)
    write_template(tmp_path, VALID, "plain.yaml")
    with pytest.raises(UserError, match="plain: two files .* have that name; remove one"):
        load_templates(PromptSettings(templates="."), tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="prompts.templates: folder .*nowhere does not exist"):
        load_templates(PromptSettings(templates="nowhere"), tmp_path)


def test_unknown_templates_and_wrong_tasks_are_refused() -> None:
    with pytest.raises(UserError, match=r"cite_or_abstian: .*did you mean cite_or_abstain\?"):
        find(SHIPPED, "cite_or_abstian")
    with pytest.raises(UserError, match="xyz: does not exist; choose one of: answer_relevance, brief, "):
        find(SHIPPED, "xyz")
    with pytest.raises(UserError, match="brief: its task is answer, not rewrite; choose one of: standalone_question"):
        find(SHIPPED, "brief", "rewrite")


def test_the_examples_of_a_judge_are_no_part_of_its_file() -> None:
    judge = SHIPPED["answer_relevance"].model_dump() | {"examples": [{"question": "Why?", "answer": "yes"}]}
    with pytest.raises(ValueError, match="examples: a judge's come from verdicts that people corrected"):
        Template.model_validate(judge)


def test_variables_of_judges_are_a_teams_own_elsewhere() -> None:
    own = valid_template(variables=VALID["variables"] | {"answer": "its style"}, system="Like {{ answer }}.")
    assert own.request_variables.isdisjoint({"answer"})
    with pytest.raises(ValueError, match="system: uses {{ answer }}, untrusted text"):
        Template.model_validate(SHIPPED["answer_relevance"].model_dump() | {"system": "{{ answer }}"})


def test_only_values_with_a_variable_in_the_template_are_used() -> None:
    settings = PromptSettings(values={"tone": "dry", "other": "x"})
    template = valid_template(variables=VALID["variables"] | {"tone": "of the answer"}, system="Be {{ tone }}.")
    assert settings.values_for(template) == {"tone": "dry"}
    assert settings.values_for(valid_template()) == {}


@pytest.mark.parametrize("template", SHIPPED.values(), ids=lambda template: template.name)
def test_a_saved_template_is_loaded_unchanged(template: Template, tmp_path: Path) -> None:
    path = save_template(template, tmp_path / "prompts")
    assert load_template(path) == template
    assert "\\n" not in path.read_text()  # a person reads lines


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.sampled_from("\n\t"), min_size=1))
def test_any_text_survives_saving_and_loading(text: str) -> None:
    template = valid_template(system="s", description=text, model_family=text)
    with tempfile.TemporaryDirectory() as folder:
        assert load_template(save_template(template, Path(folder))) == template


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written .*name another folder"):
        save_template(valid_template(), tmp_path / "file")
