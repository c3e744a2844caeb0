"""Text and Markdown files in other encodings than UTF-8, or with a damaged byte."""

from tests.support.document_cases.case import Case

_GERMAN = "Die Größe des Behälters beträgt zwölf Liter. Für die Prüfung öffnet man das Überdruckventil. "
_TURKISH = "İade süresi on dört gündür. Ücreti müşteri öder, şişe ve çığdır."

CASES = [
    Case("txt-cp1254", "turkish.txt", _TURKISH.encode("cp1254"), (_TURKISH,)),
    Case("txt-nul", "log.txt", b"Pressure was 4 bar.\n" * 50 + b"The run\0 ended.\n", ("The run ended.",)),
    Case("txt-preallocated", "log.txt", b"Pressure was 4 bar.\n" * 5 + bytes(5_000), ("Pressure was 4 bar.",)),
    Case("md-nul", "a.md", b"# Title\n\nText with a nul \0 in it.\n" * 3, ("# Title", "Text with a nul  in it.")),
    Case(
        "txt-one-bad-byte",
        "a.txt",
        (_GERMAN * 9).encode() + b"\x96 ok",
        (_GERMAN.strip(), "\ufffd ok"),
        warned=("1 character",),
    ),
    Case("txt-cut", "a.txt", (_GERMAN + "ü").encode()[:-1], (_GERMAN.strip(),), warned=("1 character",)),
    Case("txt-quotes", "a.txt", "It’s €45 – “final”.".encode("cp1252"), ("It’s €45 – “final”.",)),
    Case("txt-quotes-as-controls", "a.txt", b"It\xc2\x92s \xc2\x8045 \xc2\x96 fixed.", ("It’s €45 – fixed.",)),
    Case("txt-utf-16", "a.txt", _GERMAN.encode("utf-16-le"), (_GERMAN.strip(),)),
    Case(
        "txt-colors", "a.txt", b"\x1b[1;31mERROR\x1b[0m valve V7 is open\n" * 9, ("ERROR valve V7 is open",), ("[0m",)
    ),
]
