"""Special tokens of the chat syntaxes in use, and a tokenizer that knows them."""

from collections.abc import Sequence
from functools import cache

from tokenizers import AddedToken, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

# Of the ChatML, Llama 2 and 3, Gemma, Mistral, DeepSeek, Phi, Cohere, GLM and SmolLM2 families.
SPECIAL = [
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<s>", "</s>", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>",
    "<|begin_of_text|>", "<|start_header_id|>", "<|eot_id|>", "<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>",
    "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[TOOL_RESULTS]",
    "<｜begin▁of▁sentence｜>", "<｜User｜>", "<|system|>", "<|assistant|>", "<|START_OF_TURN_TOKEN|>", "[gMASK]",
    "<sop>", "<think>", "</think>", "<tool_call>", "<|channel|>", "<turn|>", "<|turn>", "<jupyter_start>",
]  # fmt: skip


def special_tokens_in(text: str, tokens: Sequence[str] = SPECIAL) -> set[str]:
    """Those of the tokens that a tokenizer with all of them finds in a text."""
    tokenizer = _tokenizer(tuple(tokens))
    found = set(tokenizer.encode(text, add_special_tokens=False).ids)
    return {token for token in tokens if tokenizer.token_to_id(token) in found}


@cache
def _tokenizer(tokens: tuple[str, ...]) -> Tokenizer:
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in tokens])
    return tokenizer
