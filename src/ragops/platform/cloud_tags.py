"""Tags by which the cloud's bill is divided, as the strictest of the three clouds takes them."""

import re
import unicodedata

LONGEST_VALUE = 63
_NOT_TAKEN = re.compile(r"[^A-Za-z0-9_.-]+")


def cloud_tag(text: str) -> str:
    """A tag's value that says the same: letters without accents, and _ for what no cloud, or only some, would take."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _NOT_TAKEN.sub("_", plain).lstrip("_.-")[:LONGEST_VALUE].rstrip("_.-")
