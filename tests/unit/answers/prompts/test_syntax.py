"""A model's own chat template makes its text: system role or not, BOS once."""

import json
from pathlib import Path

import pytest
from tokenizers import AddedToken, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from ragops.answers.prompts.messages import Message
from ragops.answers.prompts.syntax import ChatSyntax, load_syntax, merged
from ragops.errors import UserError

SYSTEM, ASKED, ANSWERED = Message("system", "Be brief."), Message("user", "Why?"), Message("assistant", "So.")
AGAIN = Message("user", "And then?")

CHATML = ChatSyntax(
    "{% for m in messages %}{{ '<|im_start|>' ~ m.role ~ '\n' ~ m.content ~ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    bos="<|im_start|>",
    eos="<|im_end|>",
)
LLAMA2 = ChatSyntax(
    """
{%- if messages[0].role == 'system' %}
    {%- set system = '<<SYS>>\n' ~ messages[0].content ~ '\n<</SYS>>\n\n' %}
    {%- set turns = messages[1:] %}
{%- else %}
    {%- set system, turns = '', messages %}
{%- endif %}
{%- for turn in turns %}
    {%- if (turn.role == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('turns must alternate') }}
    {%- endif %}
    {%- if turn.role == 'user' %}
        {{- bos_token ~ '[INST] ' ~ (system if loop.first else '') ~ turn.content ~ ' [/INST]' }}
    {%- else %}
        {{- ' ' ~ turn.content ~ ' ' ~ eos_token }}
    {%- endif %}
{%- endfor %}""",
    bos="<s>",
    eos="</s>",
)
REFUSING = ChatSyntax(
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no such role') }}{% endif %}"
    "{{ '<start_of_turn>' ~ m.role ~ '\n' ~ m.content ~ '<end_of_turn>\n' }}{% endfor %}<start_of_turn>model\n",
    bos="<bos>",
)
DROPPING = ChatSyntax(
    "{% for m in messages if m.role != 'system' %}{{ m.role ~ ': ' ~ m.content ~ '\n' }}{% endfor %}assistant:"
)
ALL = {"chatml": CHATML, "llama2": LLAMA2, "refusing": REFUSING, "dropping": DROPPING}


def test_chatml() -> None:
    assert CHATML.render([SYSTEM, ASKED, ANSWERED, AGAIN]) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n"
        "<|im_start|>assistant\nSo.<|im_end|>\n<|im_start|>user\nAnd then?<|im_end|>\n<|im_start|>assistant\n"
    )


def test_llama_2() -> None:
    assert LLAMA2.render([SYSTEM, ASKED, ANSWERED, AGAIN]) == (
        "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nWhy? [/INST] So. </s><s>[INST] And then? [/INST]"
    )


@pytest.mark.parametrize("syntax", [REFUSING, DROPPING])
def test_without_a_system_role_its_text_leads_the_first_users_turn(syntax: ChatSyntax) -> None:
    assert not syntax.has_system_role
    text = syntax.render([SYSTEM, ASKED, ANSWERED, AGAIN])
    assert text == syntax.render([Message("user", "Be brief.\n\nWhy?"), ANSWERED, AGAIN])
    assert text.count("Be brief.") == 1 and "system" not in text


@pytest.mark.parametrize("syntax", ALL.values(), ids=ALL)
def test_no_message_is_lost(syntax: ChatSyntax) -> None:
    text = syntax.render([SYSTEM, ASKED, ANSWERED, AGAIN])
    places = [text.index(message.content) for message in (SYSTEM, ASKED, ANSWERED, AGAIN)]
    assert places == sorted(places)


def test_with_a_system_role_messages_stay_as_they_are() -> None:
    assert CHATML.has_system_role and LLAMA2.has_system_role
    assert CHATML.with_system([SYSTEM, ASKED]) == [SYSTEM, ASKED]


@pytest.mark.parametrize(
    ("messages", "result"),
    [
        ([SYSTEM, ASKED], [Message("user", "Be brief.\n\nWhy?")]),
        ([ASKED, ANSWERED], [ASKED, ANSWERED]),
        ([SYSTEM], []),
        ([SYSTEM, ANSWERED, AGAIN], [ANSWERED, Message("user", "Be brief.\n\nAnd then?")]),
    ],
)
def test_merging(messages: list[Message], result: list[Message]) -> None:
    assert merged(messages) == result


def test_bos_is_not_doubled() -> None:
    """The model is to see one BOS, whoever puts it there: the template, or a tokenizer that does so by default."""
    reader = Tokenizer(WordLevel({"[UNK]": 0, "Why": 1}, unk_token="[UNK]"))
    reader.pre_tokenizer = Whitespace()
    reader.add_special_tokens([AddedToken("<s>", special=True)])
    bos = reader.token_to_id("<s>")
    reader.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", bos)])
    text = LLAMA2.render([ASKED])
    assert reader.encode(text).ids.count(bos) == 2, "what there would be"
    assert reader.encode(LLAMA2.render([ASKED], add_bos=False)).ids.count(bos) == 1
    assert reader.encode(text, add_special_tokens=False).ids.count(bos) == 1


def test_only_the_first_bos_is_left_out() -> None:
    assert LLAMA2.render([ASKED, ANSWERED, AGAIN], add_bos=False).count("<s>") == 1
    assert DROPPING.render([ASKED], add_bos=False) == DROPPING.render([ASKED])


def test_messages_that_the_template_refuses_are_one_line() -> None:
    with pytest.raises(UserError, match=r"chat template: refuses these messages \(turns must alternate\); fix"):
        LLAMA2.render([ASKED, AGAIN])


def test_what_templates_expect_of_their_surroundings() -> None:
    syntax = ChatSyntax(
        "{{ strftime_now('%Y') | length }}{{ {'ü': '<'} | tojson }}{% for m in messages %}"
        "{% if loop.index == 2 %}{% break %}{% endif %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}"
        "{{ tools is none }}"
    )
    assert syntax.render([ASKED, AGAIN]) == '4{"ü": "<"}Why?True'


def test_a_template_reaches_nothing() -> None:
    with pytest.raises(UserError, match="refuses these messages"):
        ChatSyntax("{{ messages.__class__.__mro__[1].__subclasses__() }}").render([ASKED])
    with pytest.raises(UserError, match="refuses these messages"):
        ChatSyntax("{{ messages.append(1) }}").render([ASKED])


def test_a_broken_template_is_one_line() -> None:
    with pytest.raises(UserError, match=r"chat template: is not Jinja \(.*\); take the one that came with the model"):
        ChatSyntax("{% for m in %}")


def write(folder: Path, config: object, template: str | None = None) -> Path:
    (folder / "tokenizer_config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    if template is not None:
        (folder / "chat_template.jinja").write_text(template)
    return folder


def test_a_models_folder_is_read(tmp_path: Path) -> None:
    config = {
        "chat_template": "in the configuration",
        "bos_token": {"content": "<s>", "lstrip": False},
        "eos_token": "</s>",
        "unk_token": None,
        "additional_special_tokens": ["<x>", {"content": "<y>"}],
        "added_tokens_decoder": {
            "0": {"content": "<z>", "special": True},
            "1": {"content": "\n\n", "special": False},
        },
    }
    assert load_syntax(write(tmp_path, config)) == ChatSyntax(
        "in the configuration", "<s>", "</s>", frozenset({"<s>", "</s>", "<x>", "<y>", "<z>"})
    )
    assert load_syntax(write(tmp_path, config, "in a file of its own")).template == "in a file of its own"


def test_the_default_of_several_templates_is_taken(tmp_path: Path) -> None:
    several = [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]
    assert load_syntax(write(tmp_path, {"chat_template": several})).template == "d"


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({}, "chat template: none in .*; take an instruction-tuned model, or add chat_template.jinja"),
        ({"chat_template": [{"name": "rag", "template": "r"}]}, "chat template: none in "),
        ("{", "tokenizer_config.json is not JSON .*; fetch the model again"),
        ([], "does not hold an object; fetch the model again"),
    ],
)
def test_a_folder_without_a_template_is_one_line(tmp_path: Path, config: object, line: str) -> None:
    with pytest.raises(UserError, match=line):
        load_syntax(write(tmp_path, config))


def test_an_empty_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="chat template: none in "):
        load_syntax(tmp_path)
