"""Retrieval-augmented generation on the lakehouse: what the bundle's notebooks and jobs call."""

import os
import sys
from types import ModuleType

# Two libraries report to their makers what they are used for. vLLM can be told not to;
os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
# OpenVINO's converter cannot, but does without its package for that where it cannot be imported.
sys.modules.setdefault("openvino_telemetry", ModuleType("openvino_telemetry"))
