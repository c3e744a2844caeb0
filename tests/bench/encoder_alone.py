"""The time that nothing but the encoder takes for a bundle's chunks: what a whole refresh is compared with."""

import time

from ragops.assembly import query_encoder
from ragops.platform.workspace import Workspace, models_folder
from ragops.usecase import load_usecase
from tests.e2e.bundles import Bundle

# One text in 16, chosen by its hash: the cost is that of the tokens, which are much the same in every sixteenth.
SHARE = 16
WARM_UP = 64


def encoder_alone(bundle: Bundle, schema: str) -> float:
    """Seconds to encode every distinct text of a schema on all cores, extrapolated from a sixteenth of them."""
    table = f"spark_catalog.{schema}.chunks"
    chosen = f"conv(substr(text_hash, 1, 2), 16, 10) % {SHARE} = 0"
    rows = bundle.sql(f"SELECT text_hash, max(embedded_text) AS text FROM {table} WHERE {chosen} GROUP BY text_hash")
    (total,) = bundle.sql(f"SELECT count(DISTINCT text_hash) AS texts FROM {table}")
    use_case = load_usecase(bundle.root / "usecase.yml")
    encoder = query_encoder(use_case, models_folder(Workspace("spark_catalog", schema)))
    texts = [row["text"] for row in rows]
    encoder.encode_documents(texts[:WARM_UP])
    began = time.perf_counter()
    encoder.encode_documents(texts)
    return float((time.perf_counter() - began) * total["texts"] / len(texts))
