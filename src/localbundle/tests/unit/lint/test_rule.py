from hypothesis import given
from hypothesis import strategies as st
from localbundle.lint.rule import texts

trees = st.recursive(
    st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12
)


def leaves(node: object) -> list[str]:
    if isinstance(node, str):
        return [node]
    inside = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [leaf for item in inside for leaf in leaves(item)]


@given(trees)
def test_every_string_of_a_tree_is_used_once_and_in_order(tree) -> None:
    assert [use.text for use in texts(tree)] == leaves(tree)


def test_a_use_is_called_what_its_reader_calls_it() -> None:
    tree = {
        "parameters": [{"name": "schema", "default": "a"}],
        "arguments": ["--schema", "b", "c"],
        "within": {"k": "d"},
    }
    assert {use.text: use.key for use in texts(tree)} == {
        "schema": "name", "a": "schema", "--schema": "arguments", "b": "--schema", "c": "arguments", "d": "k"
    }  # fmt: skip
