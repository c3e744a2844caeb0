"""Writes docs/reference/ from the code: `make docs`. tests/unit/test_docs.py compares the files with a new version.

It is here, among the tests, because it needs what a wheel does not have: the bundle, the notebooks, and localbundle.
"""

import sys

from tests.docs.reference import FOLDER, pages


def main() -> int:
    """Writes the pages that differ, and removes those that are no longer made."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for name, text in wanted.items():
        file = FOLDER / name
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            print(f"wrote {file.name}")
    for file in FOLDER.glob("*.md"):
        if file.name not in wanted:
            file.unlink()
            print(f"removed {file.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
