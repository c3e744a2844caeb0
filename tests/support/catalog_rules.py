"""Unity Catalog's rules for tags, for its doubles. Sources: docs/platform.md."""

import re
from collections.abc import Mapping

_RESERVED = re.compile(r"[.,\-=/:]")
_MOST, _LONGEST_NAME, _LONGEST_VALUE = 50, 255, 1_000


def refusal(tags: Mapping[str, str]) -> str:
    """Unity Catalog's reason to refuse these tags of one object; "" if it accepts them."""
    if len(tags) > _MOST:
        return f"{len(tags)} tags are more than {_MOST}"
    for name, value in tags.items():
        if _RESERVED.search(name):
            return f"Tag name {name} contains one or more of the reserved characters: List(., ,, -, =, /, :)"
        if not 0 < len(name) <= _LONGEST_NAME or len(value.encode()) > _LONGEST_VALUE:
            return f"Tag {name} is too long: {len(name)} characters and {len(value.encode())} bytes"
        if name != name.strip() or value != value.strip():
            return f"Tag {name} begins or ends with a space"
    return ""
