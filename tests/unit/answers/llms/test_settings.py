from typing import Any

import pytest
from pydantic import ValidationError

from ragops.answers.llms.settings import Extractive, Models, OpenAICompatible, OpenVinoGguf, VllmOffline
from ragops.errors import UserError
from ragops.usecase import load_usecase
from tests.support.llms import models

SERVED = {"name": "served", "provider": "openai_compatible", "served_name": "x", "context_tokens": 100}


def test_each_provider_has_its_own_settings() -> None:
    found = models(
        "served",
        [],
        SERVED,
        {"name": "gguf", "provider": "openvino_gguf", "source": "/Volumes/a/b.gguf", "context_tokens": 1},
        {"name": "vllm", "provider": "vllm_offline", "source": "/Volumes/a/b", "context_tokens": 1},
        {"name": "quotes", "provider": "extractive"},
    )
    assert [type(one) for one in found.known] == [OpenAICompatible, OpenVinoGguf, VllmOffline, Extractive]
    assert [one.private for one in found.known] == [False, True, True, True]


@pytest.mark.parametrize(
    ("primary", "fallback", "known", "words"),
    [
        ("other", [], [SERVED], "unknown model other; choose from served"),
        ("served", ["other"], [SERVED], "unknown model other"),
        ("served", [], [SERVED, SERVED], "two models .* served"),
        ("served", [], [SERVED | {"key": "k"}], "key needs a base_url"),
        ("served", [], [SERVED | {"base_url": "localhost"}], "base_url"),
        ("served", [], [SERVED | {"provider": "magic"}], "provider"),
        ("served", [], [SERVED | {"colour": "red"}], "colour"),
        ("g", [], [{"name": "g", "provider": "openvino_gguf", "source": "x.bin", "context_tokens": 1}], "source"),
        ("q", [], [{"name": "q", "provider": "extractive", "private": False}], "private"),
    ],
)
def test_invalid_settings_are_named(primary: str, fallback: list[str], known: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        models(primary, fallback, *known)


def test_another_primary_model_comes_first_and_no_model_twice() -> None:
    use_case = models("served", ["quotes"], SERVED, {"name": "quotes", "provider": "extractive"})
    assert [one.name for one in use_case.chain()] == ["served", "quotes"]
    assert [one.name for one in use_case.with_primary("quotes").chain()] == ["quotes"]
    assert use_case.with_primary("") is use_case
    with pytest.raises(UserError, match="model gpt: .*served, quotes"):
        use_case.with_primary("gpt")


def test_the_chain_of_the_bundle_ends_with_quotes() -> None:
    from ragops.platform.workspace import bundle_root

    use_case: Models = load_usecase(bundle_root() / "usecase.yml").models
    assert isinstance(use_case.chain()[-1], Extractive)
