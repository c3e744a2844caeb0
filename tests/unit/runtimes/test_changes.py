from tests.runtimes.changes import compare, read_freeze

FREEZE = """\
# a comment
-e git+https://example.com/x.git#egg=x
numpy==2.1.3
Typing_Extensions==4.12.2
ragops @ file:///dist/ragops-0.1.0-py3-none-any.whl#sha256=00ff
localbundle @ file:///src/localbundle
"""


def test_a_freeze_is_read_with_normalized_names() -> None:
    assert read_freeze(FREEZE) == {
        "numpy": "2.1.3",
        "typing-extensions": "4.12.2",
        "ragops": "0.1.0",
        "localbundle": "",
    }


def test_changes_are_unchanged_added_and_replaced_packages() -> None:
    before = {"numpy": "2.1.3", "certifi": "2025.4.26", "six": "1.17"}
    changes = compare(before, {"numpy": "2.1.3", "certifi": "2026.10.19", "chromadb": "1.5.9"})
    assert changes.shipped == {"numpy": "2.1.3"}
    assert changes.added == {"chromadb": "1.5.9"}
    assert changes.replaced == {"certifi": ("2025.4.26", "2026.10.19"), "six": ("1.17", "nothing")}
    assert changes.wrong(["certifi"]) == ["six 1.17 by nothing"]
    assert changes.lines() == [
        "shipped (1): numpy 2.1.3",
        "added (1): chromadb 1.5.9",
        "replaced (2): certifi 2025.4.26 -> 2026.10.19, six 1.17 -> nothing",
    ]


def test_without_replacements_the_list_says_nothing() -> None:
    assert compare({}, {}).lines()[2] == "replaced (0): nothing"
