import re
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from ragops.serving.endpoint.rollout import Wanted


def wanted(model: str, version: str) -> Wanted:
    return Wanted(model, version, question="?", project="p", cost_owner="c")


@given(st.text(min_size=1).filter(lambda name: "." not in name), st.integers(1, 10**6))
def test_entity_names_are_valid_on_the_platform(name: str, version: int) -> None:
    entity = wanted(f"prod.rag.{name}", str(version)).entity

    assert re.fullmatch(r"[A-Za-z0-9_-]{1,63}", entity)
    assert entity.endswith(f"-{version}")


def test_an_entity_is_named_after_model_and_version() -> None:
    assert wanted("prod.rag.rag_chain", "7").entity == "rag_chain-7"
    assert wanted("prod.rag.rag chain/é", "7").entity == "rag_chain__-7"


def test_the_module_does_not_import_the_sdk() -> None:
    """The SDK takes over a second to import, and most commands do not need it."""
    program = "import sys, ragops.serving.endpoint.rollout; sys.exit('databricks.sdk' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
