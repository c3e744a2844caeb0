from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ragops.corpus.index.access import (
    AccessRule,
    Restrictions,
    check_groups,
    groups_from_key,
    groups_key,
    groups_of,
    rules_digest,
    united,
    visible,
)
from ragops.corpus.index.stores.bm25 import LexicalIndex
from ragops.errors import UserError

GROUPS = st.lists(st.sampled_from(["hr", "legal", "board", "it"]), max_size=3, unique=True).map(sorted).map(tuple)


def rule(path: str, *groups: str) -> AccessRule:
    return AccessRule(path=path, groups=groups or ("hr",))


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("hr/**", "hr/a.md", True),
        ("hr/**", "hr/deep/er/a.md", True),
        ("hr/**", "HR/a.md", True),  # a renamed folder stays closed
        ("hr/**", "/hr/a.md", True),
        ("hr/**", "hr/two\nlines.md", True),
        ("hr/**", "public/hr/a.md", False),
        ("hr/**", "hr.md", False),
        ("hr/**", "hrx/a.md", False),
        ("**/hr/**", "a/b/hr/c.md", True),
        ("**/hr/**", "hr/c.md", True),
        ("**/hr/**", "ahr/c.md", False),
        ("hr/*", "hr/a.md", True),
        ("hr/*", "hr/deep/a.md", False),
        ("a?.md", "ab.md", True),
        ("a?.md", "a/.md", False),
        ("a.md", "abmd", False),
        ("[x]+(y).md", "[x]+(y).md", True),
        ("caf\u00e9/**", "cafe\u0301/a.md", True),  # the same name, written in two ways
    ],
)
def test_a_rule_matches_paths(pattern: str, path: str, matches: bool) -> None:
    assert rule(pattern).matches(path) is matches


def test_without_a_matching_rule_everybody_may_see_a_document() -> None:
    assert groups_of([rule("hr/**")])("public/a.md") == ()


def test_if_several_rules_match_a_reader_needs_a_common_group() -> None:
    of = groups_of([rule("hr/**", "hr", "board"), rule("**/pay/**", "board", "audit")])
    assert of("hr/a.md") == ("board", "hr")
    assert of("hr/pay/a.md") == ("board",)
    assert of("it/pay/a.md") == ("audit", "board")


def test_matching_rules_without_a_common_group_are_an_error() -> None:
    of = groups_of([rule("hr/**", "hr"), rule("**/pay/**", "audit")])
    with pytest.raises(UserError, match=r"'hr/\*\*' and '\*\*/pay/\*\*' leave no group that may see hr/pay/a.md"):
        of("hr/pay/a.md")


@pytest.mark.parametrize("groups", [[], [""], [" hr"]])
def test_a_rule_without_valid_groups_is_refused(groups: list[str]) -> None:
    with pytest.raises(ValidationError):
        AccessRule.model_validate({"path": "hr/**", "groups": groups})


@given(st.permutations([rule("a/**", "x", "y"), rule("b/**", "z"), rule("**/c", "y")]))
def test_the_order_of_rules_does_not_matter(rules: list[AccessRule]) -> None:
    assert groups_of(rules)("a/c") == ("y",)
    assert rules_digest(rules) == rules_digest(sorted(rules, key=lambda one: one.path))


def test_the_digest_changes_with_the_rules() -> None:
    given = [[], [rule("a")], [rule("b")], [rule("a", "it")], [rule("a"), rule("b")]]
    assert len({rules_digest(rules) for rules in given}) == len(given)
    assert rules_digest([]) == ""


@given(GROUPS, st.none() | GROUPS)
def test_a_reader_sees_unrestricted_passages_and_those_of_own_groups(
    groups: tuple[str, ...], reader: tuple[str, ...] | None
) -> None:
    assert visible(groups, reader) is (reader is None or not groups or bool(set(groups) & set(reader)))


def test_an_unknown_group_is_an_error_if_groups_are_known() -> None:
    assert check_groups(["hr", "nonsense"], []) == {"hr", "nonsense"}
    assert check_groups(["hr"], ["hr", "legal"]) == {"hr"}
    with pytest.raises(UserError, match="group 'legl': .* did you mean legal"):
        check_groups(["legl"], ["hr", "legal"])
    with pytest.raises(UserError, match="group 'zzz': .* hr, legal"):
        check_groups(["zzz"], ["legal", "hr"])


@given(GROUPS, GROUPS)
def test_group_keys_are_equal_only_for_equal_sets(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert (groups_key(one) == groups_key(other)) is (one == other)


@given(st.lists(GROUPS, min_size=1), st.none() | GROUPS)
def test_a_text_is_visible_if_one_of_its_passages_is(
    of_passages: list[tuple[str, ...]], reader: tuple[str, ...] | None
) -> None:
    assert visible(united(of_passages), reader) is any(visible(groups, reader) for groups in of_passages)


@given(GROUPS)
def test_groups_are_read_back_from_their_key(groups: tuple[str, ...]) -> None:
    assert groups_from_key(groups_key(groups)) == groups


ROWS = st.dictionaries(st.text(min_size=1, max_size=3), GROUPS, max_size=8)


@given(ROWS, st.none() | GROUPS)
def test_the_mask_contains_exactly_the_visible_passages(
    rows: dict[str, tuple[str, ...]], reader: tuple[str, ...]
) -> None:
    allowed = Restrictions(list(rows), rows).allowed(reader)
    wanted = [visible(groups, reader) for groups in rows.values()]
    assert (list(allowed) if allowed is not None else [True] * len(rows)) == wanted


@settings(deadline=None)
@given(rows=ROWS)
def test_restrictions_are_the_same_after_loading(tmp_path_factory: pytest.TempPathFactory, rows: dict) -> None:
    folder = tmp_path_factory.mktemp("generation")
    saved = Restrictions(list(rows), rows)
    saved.save(folder)
    loaded = Restrictions.load(folder, list(rows), len(saved.sets))
    assert loaded.restricted == saved.restricted == {i: groups for i, groups in rows.items() if groups}
    assert loaded.sets == saved.sets


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has 0 sets of groups, the manifest 2"):
        Restrictions.load(tmp_path, ["a"], 2)


@given(ROWS, GROUPS)
def test_the_word_index_finds_only_visible_passages(rows: dict[str, tuple[str, ...]], reader: tuple[str, ...]) -> None:
    index = LexicalIndex.build(list(rows), ["the same word"] * len(rows))
    found = index.query("word", 3, Restrictions(index.ids, rows).allowed(reader))
    seen = [i for i, groups in rows.items() if visible(groups, reader)]
    assert [hit.text_hash for hit in found] == seen[:3]


def test_a_mask_can_hide_all_passages() -> None:
    index = LexicalIndex.build(["a", "b"], ["word", "word"])
    assert index.query("word", 5, np.zeros(2, dtype=np.bool_)) == []
