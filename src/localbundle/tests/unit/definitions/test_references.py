from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from localbundle.definitions.references import NAMESPACES, REFERENCE, Resolver
from localbundle.definitions.yamlfile import Text
from localbundle.errors import BundleError

ROOT = Path("/bundle")
CONFIG = {
    "bundle": {"name": "b", "target": "dev"},
    "variables": {
        "plain": {"value": "v"},
        "number": {"value": 4},
        "flag": {"value": True},
        "indirect": {"value": "${var.plain}/${bundle.target}"},
        "cluster": {"type": "complex", "value": {"node": "${var.plain}", "list": ["a", "b"]}},
        "alias": {"value": "${var.cluster}"},
        "unset": {},
        "egg": {"value": "${var.hen}"},
        "hen": {"value": "${var.egg}"},
    },
    "resources": {"schemas": {"x": {"catalog_name": "main", "name": "rag_${bundle.target}"}}, "jobs": {"j": {}}},
}


def resolve(value: object) -> object:
    return Resolver(CONFIG, ROOT, (*NAMESPACES, "resources")).resolve(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${var.plain}", "v"),
        ("${variables.plain.value}", "v"),
        ("a ${var.plain} b ${bundle.name}", "a v b b"),
        ("${var.number}", 4),
        ("${var.flag}", True),
        ("n=${var.number} f=${var.flag}", "n=4 f=true"),
        ("${var.indirect}", "v/dev"),
        ("${var.cluster}", {"node": "v", "list": ["a", "b"]}),
        ("${var.cluster.node}", "v"),
        ("${var.cluster.list[1]}", "b"),
        ("${var.alias.node}", "v"),
        ("${resources.schemas.x.name}", "rag_dev"),
        ("{{job.parameters.x}} $var ${} $${", "{{job.parameters.x}} $var ${} $${"),
        ("${HOME} ${vars.plain} ${a-} ${1.2}", "${HOME} ${vars.plain} ${a-} ${1.2}"),
        ("<${bundle.git.branch}>", "<>"),
        ("${bundle.uuid}", ""),
        ("${resources.jobs.j.id} ${resources.schemas.x.id}", "j main.rag_dev"),
    ],
)
def test_a_reference_takes_what_it_names(text: str, value: object) -> None:
    assert resolve(text) == value
    assert resolve({"deep": [text]}) == {"deep": [value]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${var.plian}", "conf.yml:7: ${var.plian}: no variable plian is declared; did you mean plain?"),
        ("${var.unset}", "conf.yml:7: variable unset has no value; give it a default"),
        ("${resources.schemas.y.name}", "conf.yml:7: ${resources.schemas.y.name}: there is no y; known: x"),
        ("${bundle.nam}", "there is no nam; did you mean name?"),
        ("${var.egg}", "refers to itself"),
    ],
)
def test_an_unknown_reference_is_an_error_with_its_location(text: str, message: str) -> None:
    with pytest.raises(BundleError) as caught:
        resolve(Text(text, ROOT / "conf.yml", 7))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_postponed_names_keep_their_location() -> None:
    text = Text("${resources.schemas.x.name}.${var.plain}", ROOT / "conf.yml", 3)
    kept = Resolver(CONFIG, ROOT).resolve(text)
    assert kept == "${resources.schemas.x.name}.v"
    assert isinstance(kept, Text)
    assert kept.line == 3


@given(st.text("ab1-_.[]{}$", max_size=60))
def test_any_text_is_searched_in_time(text: str) -> None:
    """A pattern that backtracks would hang on a long name: `${aaaa...-`."""
    assert REFERENCE.search("${" + text * 40) is None or "}" in text


@given(st.lists(st.one_of(st.sampled_from(["${var.plain}", "${var.number}"]), st.text("12$ {}.")), max_size=6))
def test_text_around_references_is_never_touched(parts: list[str]) -> None:
    joined = "".join(["|", *parts])
    expected = REFERENCE.sub(lambda match: {"var.plain": "v", "var.number": "4"}[match[1]], joined)
    assert resolve(joined) == expected
