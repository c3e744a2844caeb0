"""Takes out of a Word story (body, note, header) what no reader sees, and wrappers that hide text from mammoth."""

from collections.abc import Iterator

from lxml import etree
from mammoth.docx.dingbats import dingbats

from ragops.corpus.documents.parsers.equations import latex
from ragops.corpus.documents.parsers.ooxml import q
from ragops.corpus.documents.parsers.word_styles import Styles, is_on

_VAL = q("w:val")
_GONE = tuple(map(q, ("w:del", "w:moveFrom", "w:commentReference", "w:bookmarkStart", "w:bookmarkEnd", "w:rt")))
_WRAPPERS = tuple(map(q, ("w:fldSimple", "w:dir", "w:bdo", "w:ins", "w:moveTo", "w:smartTag", "w:customXml",
                          "w:rubyBase", "w:ruby")))  # fmt: skip
_RENAMED = {q("w:ptab"): q("w:tab"), q("w:cr"): q("w:br")}
_PROPERTIES = (q("w:pPr"), q("w:rPr"), q("w:trPr"), q("w:tcPr"), q("w:sectPr"), q("w:numPr"))
_TINY = 2  # half points
_FIXED_SYMBOLS = {"symbol", "wingdings", "wingdings 2", "wingdings 3", "webdings"}
_PRIVATE_SYMBOLS = range(0xF020, 0xF100)


def drop(element: etree._Element) -> None:
    """Removes an element, but not the text that follows it."""
    parent = element.getparent()
    if parent is not None:
        if element.tail:
            before = element.getprevious()
            if before is None:
                parent.text = (parent.text or "") + element.tail
            else:
                before.tail = (before.tail or "") + element.tail
        parent.remove(element)


def unwrap(element: etree._Element) -> None:
    """Replaces an element with its children."""
    parent = element.getparent()
    if parent is not None:
        for child in list(element):
            element.addprevious(child)
        drop(element)


def text_run(text: str) -> etree._Element:
    """A run with a text."""
    run = etree.Element(q("w:r"))
    node = etree.SubElement(run, q("w:t"))
    node.text = text
    return run


def paragraph_of(element: etree._Element) -> etree._Element | None:
    """The paragraph that an element stands in."""
    return next(element.iterancestors(q("w:p")), None)


def keep_visible(root: etree._Element, styles: Styles, white_is_hidden: bool) -> None:
    """Makes a story plain: alternatives chosen, revisions accepted, hidden text removed, symbols and equations as text.

    Args:
        root: the story, changed in place.
        styles: of the file.
        white_is_hidden: whether white text has nothing behind it, as far as the whole file tells.
    """
    for alternatives in list(root.iter(q("mc:AlternateContent"))):
        _choose(alternatives)
    for element in list(root.iter(*_GONE)):
        if element.getparent() is not None and element.getparent().tag not in _PROPERTIES:
            drop(element)
    for row in list(root.iter(q("w:tr"))):
        hidden, deleted = (row.find(f"{q('w:trPr')}/{q(name)}") for name in ("w:hidden", "w:del"))
        if is_on(hidden) or deleted is not None:
            drop(row)
    for run in list(root.iter(q("w:r"))):
        if _is_invisible(run, styles, white_is_hidden):
            _empty(run)
    for element in list(root.iter(q("m:oMathPara"), q("m:oMath"))):
        _equation(element)
    for element in list(root.iter(*_WRAPPERS)):
        if element.getparent() is not None and element.getparent().tag not in _PROPERTIES:
            unwrap(element)
    for control in list(root.iter(q("w:sdt"))):
        if next(control.iterfind(q("w:sdtPr/w14:checkbox")), None) is None:  # mammoth reads those
            _open_control(control)
    for run in list(root.iterfind(f".//{q('w:r')}/{q('w:r')}")):  # what a phonetic guide or a wrapper has left
        unwrap(run)
    for element in root.iter(*_RENAMED):
        element.tag = _RENAMED[element.tag]
    for frame in list(root.iter(q("w:framePr"))):
        if frame.get(q("w:dropCap"), "none") != "none":
            _join_with_next(paragraph_of(frame))
    for symbol in list(root.iter(q("w:sym"))):
        symbol.addprevious(text_run(_symbol(symbol.get(q("w:font"), ""), symbol.get(q("w:char"), "")))[0])
        drop(symbol)
    _read_symbol_fonts(root)


def _choose(alternatives: etree._Element) -> None:
    """Replaces alternatives by the first: mammoth reads the last, which programs other than Word leave out."""
    choices = [*alternatives.iterfind(q("mc:Choice")), *alternatives.iterfind(q("mc:Fallback"))]
    chosen = next((choice for choice in choices if len(choice)), None)
    for child in list(chosen) if chosen is not None else ():
        alternatives.addprevious(child)
    drop(alternatives)


def _join_with_next(initial: etree._Element | None) -> None:
    """Moves a large first letter, which is a paragraph of its own, to the paragraph that it begins."""
    following = initial.getnext() if initial is not None else None
    if initial is None or following is None or following.tag != q("w:p"):
        return
    at = 0 if following.find(q("w:pPr")) is None else 1
    for run in reversed([child for child in initial if child.tag != q("w:pPr")]):
        following.insert(at, run)
    drop(initial)


def _open_control(control: etree._Element) -> None:
    """Replaces a content control with its content."""
    content = control.find(q("w:sdtContent"))
    for child in list(content) if content is not None else ():
        control.addprevious(child)
    drop(control)


def _empty(run: etree._Element) -> None:
    """Removes a run's text, but not the marks of fields, whose order matters."""
    for child in list(run):
        if child.tag not in (q("w:rPr"), q("w:fldChar"), q("w:instrText")):
            run.remove(child)


def _is_invisible(run: etree._Element, styles: Styles, white_is_hidden: bool) -> bool:
    paragraph = paragraph_of(run)
    if styles.is_hidden(run, paragraph):
        return True
    size = run.find(q("w:rPr/w:sz"))
    if size is not None and size.get(_VAL, "").isdigit() and int(size.get(_VAL, "")) <= _TINY:
        return True
    return white_is_hidden and _is_white(styles.color(run, paragraph)) and not any(_backgrounds(run, styles))


def _is_white(color: etree._Element | None) -> bool:
    if color is None:
        return False
    theme = color.get(q("w:themeColor"))
    if theme:
        return theme in ("background1", "light1") and not color.get(q("w:themeShade"))
    return bool(color.get(_VAL, "").upper() == "FFFFFF")


def _backgrounds(run: etree._Element, styles: Styles) -> Iterator[bool]:
    """Whether something colored lies behind a run: shading of itself, its styles, its cell or table, or a shape."""
    yield run.find(q("w:rPr/w:shd")) is not None or run.find(q("w:rPr/w:highlight")) is not None
    style = run.find(q("w:rPr/w:rStyle"))
    yield styles.is_shaded(style.get(_VAL) if style is not None else None)
    for ancestor in run.iterancestors():
        if ancestor.tag == q("w:p"):
            yield ancestor.find(q("w:pPr/w:shd")) is not None or styles.is_shaded(styles.of_paragraph(ancestor))
        # A table's style may color rows and columns: text in it counts as visible.
        yield ancestor.tag in (q("w:txbxContent"), q("w:tbl"))


def _equation(element: etree._Element) -> None:
    """Replaces an equation by LaTeX between dollar signs."""
    parent = element.getparent()
    if parent is None or next(element.iterancestors(q("m:oMathPara")), None) is not None:
        return
    display = element.tag == q("m:oMathPara")
    maths = element.iterfind(q("m:oMath")) if display else [element]
    mark = "$$" if display else "$"
    text = " ".join(f"{mark}{formula}{mark}" for math in maths if (formula := latex(math)))
    run = text_run(text)
    element.addprevious(run if parent.tag == q("w:p") or _is_inline(parent) else _paragraph(run))
    drop(element)


def _is_inline(parent: etree._Element) -> bool:
    return paragraph_of(parent) is not None or parent.tag == q("w:r")


def _paragraph(run: etree._Element) -> etree._Element:
    paragraph = etree.Element(q("w:p"))
    paragraph.append(run)
    return paragraph


def _symbol(font: str, code: str) -> str:
    """The character that a symbol shows; '' if only its font knows."""
    try:
        number = int(code, 16)
    except ValueError:
        return ""
    known = dingbats.get((font, number)) or dingbats.get((font, number & 0xFF))
    if known:
        return chr(known)
    return "" if number in range(0xE000, 0xF900) else chr(number)


def _read_symbol_fonts(root: etree._Element) -> None:
    """Characters of the private use area, which only their font knows, as the characters that they show."""
    for text in root.iter(q("w:t")):
        if text.text and any(ord(character) in _PRIVATE_SYMBOLS for character in text.text):
            run = text.getparent()
            fonts = run.find(q("w:rPr/w:rFonts")) if run is not None else None
            font = (fonts.get(q("w:ascii")) or fonts.get(q("w:hAnsi")) or "") if fonts is not None else ""
            font = font if font.lower() in _FIXED_SYMBOLS else "Symbol"
            text.text = "".join(
                _symbol(font, f"{ord(character):X}") if ord(character) in _PRIVATE_SYMBOLS else character
                for character in text.text
            )
