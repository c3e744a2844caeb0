"""Texts and pages in other encodings than UTF-8, with wrong labels, or with a damaged byte."""

from tests.support.document_cases.case import Case

_GERMAN = "Die Größe des Behälters beträgt zwölf Liter. Für die Prüfung öffnet man das Überdruckventil. "
_TURKISH = "İade süresi on dört gündür. Ücreti müşteri öder, şişe ve çığdır."


def _labelled(label: str, encoding: str, text: str, form: str = '<meta charset="{}">') -> Case:
    head = form.format(label)
    content = f"{head if head.startswith('<?') else ''}<html><head>{head}</head><body><p>{text}</p></body></html>"
    return Case(f"html-{label}-{encoding}-{len(head)}", "page.html", content.encode(encoding), (text,))


_EQUIV = '<meta http-equiv="Content-Type" content="text/html; charset={}">'
_LABELS = [
    _labelled("iso-8859-1", "cp1252", "The price is €45 – “final”, it’s fixed.", _EQUIV),
    _labelled("ISO-8859-1", "cp1252", "The price is €45 – “final”, it’s fixed.", "<meta charset = 'ISO-8859-1' />"),
    _labelled("gb2312", "gb18030", "退款期限为十四天，朱镕基。"),
    _labelled("x-sjis", "cp932", "①番の窓口へ", _EQUIV),
    _labelled("iso-2022-jp", "iso2022_jp", "返金には十日かかります。"),
    _labelled("euc-kr", "cp949", "똠방각하", "<meta content='text/html; charset={}' http-equiv=content-type>"),
    _labelled("big5", "big5", "退款需要十個工作日。", '<?xml version="1.0" encoding="{}"?>'),
    _labelled("windows-1251", "cp1251", "Срок возврата", "<!-- <meta charset=utf-8> --><meta charset={}>"),
    _labelled("utf-16", "utf-8", "Grüße"),
    _labelled("utf-8", "utf-16", "Grüße"),
    _labelled("utf-8", "utf-16-le", "Opening hours"),
    _labelled("utf-8", "cp1252", "Grüße – “final”"),
    _labelled("no-such-label", "utf-8", "Grüße"),
]

CASES = [
    *_LABELS,
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
    Case("txt-latin-9", "a.txt", "Le prix est de 45 € pour l'œuvre.".encode("iso8859-15"), ("45 € pour l'œuvre.",)),
    Case(
        "txt-frame-of-dos",
        "a.txt",
        "╔═════╗\n║ Öl  ║\n╚═════╝\nÄnderung größerer Fässer.\n".encode("cp850"),
        ("║ Öl  ║", "Änderung größerer Fässer."),
    ),
    Case(
        "txt-chinese-utf-16",
        "a.txt",
        "退款将在十四天内处理。请将商品寄回。\n谢谢。".encode("utf-16-le"),
        ("退款将在十四天内处理。请将商品寄回。",),
    ),
    Case("txt-utf-16", "a.txt", _GERMAN.encode("utf-16-le"), (_GERMAN.strip(),)),
    Case(
        "txt-colors", "a.txt", b"\x1b[1;31mERROR\x1b[0m valve V7 is open\n" * 9, ("ERROR valve V7 is open",), ("[0m",)
    ),
]
