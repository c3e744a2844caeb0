"""The light environment for chat templates renders what transformers renders."""

from dataclasses import asdict

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from tests.unit.answers.prompts.test_syntax import AGAIN, ALL, ANSWERED, ASKED, SYSTEM


@pytest.mark.parametrize("name", ALL)
def test_transformers_renders_the_same(name: str) -> None:
    syntax = ALL[name]
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]")),
        bos_token=syntax.bos or None,
        eos_token=syntax.eos or None,
    )
    tokenizer.chat_template = syntax.template
    messages = [SYSTEM, ASKED, ANSWERED, AGAIN]
    rendered = tokenizer.apply_chat_template(
        [asdict(message) for message in syntax.with_system(messages)], add_generation_prompt=True, tokenize=False
    )
    assert rendered == syntax.render(messages)
