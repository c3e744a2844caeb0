"""Writes compound files (MS-CFB), of which Outlook's messages are a kind; no library in our environment does."""

import struct
from collections.abc import Mapping

_SECTOR = 512
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_NO_ENTRY = 0xFFFFFFFF
_SMALLEST = 4096  # smaller streams would need a second allocation table


def compound_file(streams: Mapping[str, bytes]) -> bytes:
    """A file with these streams; a name with a slash lies in a storage. Streams are padded with NULs to 4 KiB."""
    storages = list(dict.fromkeys(name.split("/")[0] for name in streams if "/" in name))
    names = [*(name for name in streams if "/" not in name), *storages, *(name for name in streams if "/" in name)]
    padded = {name: data.ljust(_SMALLEST, b"\0") for name, data in streams.items()}
    numbers = {name: number for number, name in enumerate(names, 1)}
    top = [numbers[name] for name in names if "/" not in name]
    entries = [_entry("Root Entry", 5, child=top[0])]
    content, chain = b"", list[int]()
    for name in names:
        siblings = top if "/" not in name else [numbers[n] for n in names if n.startswith(name.split("/")[0] + "/")]
        after = siblings.index(numbers[name]) + 1
        right = siblings[after] if after < len(siblings) else _NO_ENTRY
        if name in storages:
            inside = next(numbers[other] for other in names if other.startswith(f"{name}/"))
            entries.append(_entry(name, 1, right=right, child=inside))
            continue
        data = padded[name]
        sectors = -(-len(data) // _SECTOR)
        entries.append(_entry(name.split("/")[-1], 2, right=right, start=len(chain), size=len(data)))
        chain += [*range(len(chain) + 1, len(chain) + sectors), _END]
        content += data.ljust(sectors * _SECTOR, b"\0")
    directory = b"".join(entries)
    sectors = -(-len(directory) // _SECTOR)
    first = len(chain)
    chain += [*range(first + 1, first + sectors), _END]
    content += directory.ljust(sectors * _SECTOR, b"\0")
    tables = -(-(len(chain) + 4) // (_SECTOR // 4 - 1))
    places = list(range(len(chain), len(chain) + tables))
    chain += [_FAT] * tables
    table = struct.pack(f"<{len(chain)}I", *chain).ljust(tables * _SECTOR, b"\xff")
    return _header(tables, first, places) + content + table


def _header(tables: int, directory: int, places: list[int]) -> bytes:
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<9I", 0, tables, directory, 0, _SMALLEST, _END, 0, _END, 0)
    return head + struct.pack("<109I", *places, *[_FREE] * (109 - len(places)))


def _entry(
    name: str, kind: int, right: int = _NO_ENTRY, child: int = _NO_ENTRY, start: int = _END, size: int = 0
) -> bytes:
    encoded = name.encode("utf-16-le")
    length = struct.pack("<HBB3I", len(encoded) + 2, kind, 1, _NO_ENTRY, right, child)
    return encoded.ljust(64, b"\0") + length + bytes(36) + struct.pack("<IQ", start, size)
