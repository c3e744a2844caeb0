import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.documents.decoding import Decoded, decode
from ragops.corpus.documents.types import Unparsable

FRENCH = "Le café est très élégant, où l'été brûle à côté de la forêt."
GERMAN = "Die Größe des Behälters beträgt zwölf Liter. Für die Prüfung öffnet man das Überdruckventil. "
RUSSIAN = "Срок возврата денег составляет десять дней."
# Language to encodings, and a text of one or two sentences.
TEXTS = {
    "German": ("cp1252 iso8859-15 mac-roman cp850", GERMAN + "„Langsam“ öffnen – Grüße aus Köln."),
    "French": ("cp1252 mac-roman", FRENCH + " L’élève a reçu sa carte d’accès ; où trouver le règlement ?"),
    "Spanish": (
        "cp1252",
        "El plazo de devolución es de treinta días. ¿Cuándo llegará la próxima edición?",
    ),
    "Polish": (
        "cp1250 iso8859-2",
        "Zwrot pieniędzy trwa dziesięć dni. Proszę wyłączyć urządzenie. Łódź.",
    ),
    "Czech": ("cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy. Vrácení peněz trvá deset dní."),
    "Hungarian": (
        "cp1250",
        "A visszatérítés tíz napig tart. Kérjük, kapcsolja ki a készüléket, és zárja el a főszelepet. "
        "Az őszi árvíztűrő tükörfúrógép működött.",
    ),
    "Russian": ("cp1251 koi8-r iso8859-5 cp866 mac-cyrillic", f"{RUSSIAN} Пожалуйста, выключите устройство."),
    "Ukrainian": ("cp1251 koi8-u", "Строк повернення коштів становить десять днів. Її об'єкт знаходиться на площі."),
    "Greek": ("cp1253 iso8859-7", "Η επιστροφή χρημάτων διαρκεί δέκα ημέρες. Παρακαλούμε κλείστε την κύρια βαλβίδα."),
    "Turkish": ("cp1254", "İade süresi on dört gündür. Ücreti müşteri öder, şişe ve çığdır. Lütfen cihazı kapatın."),
    "Hebrew": ("cp1255", "החזר כספי נמשך עשרה ימים. אנא כבו את המכשיר וסגרו את השסתום הראשי."),
    "Arabic": ("cp1256", "تستغرق عملية استرداد الأموال عشرة أيام. يرجى إيقاف تشغيل الجهاز وإغلاق الصمام الرئيسي."),
    "Lithuanian": (
        "cp1257",
        "Pinigų grąžinimas trunka dešimt dienų. Prašome išjungti įrenginį ir uždaryti.",
    ),
    "Thai": ("cp874", "การคืนเงินใช้เวลาสิบวัน โปรดปิดเครื่องและปิดวาล์วหลัก"),
    "Japanese": ("cp932 euc-jp iso2022_jp", "返金には十日かかります。装置の電源を切り、主バルブを閉じてください。"),
    "Korean": ("cp949", "환불은 열흘이 걸립니다. 장치를 끄고 주 밸브를 닫아 주십시오."),
    "Chinese": ("gb18030", "退款需要十个工作日。请关闭设备并关闭主阀门。"),
    "Taiwanese": ("big5", "退款需要十個工作日。請關閉設備並關閉主閥門。"),
}


def encoded() -> Iterator[object]:
    for language, (encodings, text) in TEXTS.items():
        for encoding in encodings.split():
            yield pytest.param(text.encode(encoding, "ignore").decode(encoding), encoding, id=f"{language}-{encoding}")


@pytest.mark.parametrize(("text", "encoding"), encoded())
def test_common_encodings_are_read_without_a_label(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == Decoded(text)


@pytest.mark.parametrize("text", ["Grüße", "café", "Größe: 5 €", "Preis 45 € – „final“", "señor", "it’s fixed"])
def test_a_few_western_words_are_read_as_on_windows(text: str) -> None:
    assert decode(text.encode("cp1252")).text == text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-be"])
@pytest.mark.parametrize("text", [FRENCH, RUSSIAN, "Plain words.\nAnd more.", TEXTS["Greek"][1]])
def test_unicode_is_read_with_and_without_a_byte_order_mark(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == Decoded(text)


@pytest.mark.parametrize(
    ("label", "text", "encoding"),
    [
        ("iso-8859-1", "The price is €45 – “final”, it’s fixed.", "cp1252"),
        ("us-ascii", "“quoted”", "cp1252"),
        ("gb2312", "退款期限为十个工作日，朱镕基。", "gb18030"),
        ("shift_jis", "①番の窓口へ。髙橋", "cp932"),
        ("ks_c_5601-1987", "똠방각하와 펲시콜라", "cp949"),
        ("ISO-8859-9", "müşteri", "cp1254"),
        ("x-mac-cyrillic", RUSSIAN, "mac-cyrillic"),
    ],
)
def test_labels_mean_what_they_mean_to_browsers(label: str, text: str, encoding: str) -> None:
    assert decode(text.encode(encoding), declared=label) == Decoded(text)


def test_a_declared_charset_is_used_if_utf_8_fails() -> None:
    assert decode("łódź".encode("iso-8859-2"), declared="iso-8859-2").text == "łódź"
    assert decode("łódź".encode(), declared="iso-8859-2").text == "łódź"
    assert decode(FRENCH.encode("cp1252"), declared="no-such-charset").text == FRENCH
    assert decode(FRENCH.encode("cp1252"), declared="utf-8").text == FRENCH


@pytest.mark.parametrize("place", [0, len(GERMAN.encode()), 2 * len(GERMAN.encode())])
def test_one_bad_byte_costs_one_character(place: int) -> None:
    data = (GERMAN * 2).encode()
    decoded = decode(data[:place] + b"\x96" + data[place:])
    assert decoded.text.replace("\ufffd", "") == GERMAN * 2
    assert decoded.warnings == ("1 character not valid in utf-8, shown as \ufffd",)


def test_a_file_cut_within_its_last_character_is_read() -> None:
    assert decode((GERMAN + "ü").encode()[:-1]).text == GERMAN + "\ufffd"
    assert decode((GERMAN + "ü").encode("utf-16")[:-1]).text == GERMAN + "\ufffd"


def test_lines_of_two_encodings_are_read() -> None:
    joined = GERMAN.encode() + b"\n" + FRENCH.encode("cp1252") + b"\n"
    assert decode(joined * 3).text == f"{GERMAN}\n{FRENCH}\n" * 3


@pytest.mark.parametrize(
    "data", [b"\0A log of the press.\n", b"A log \0of the press.\n", b"A log of the press.\n" + b"\0" * 4096]
)
def test_stray_nuls_are_dropped(data: bytes) -> None:
    assert decode(data).text == "A log of the press.\n"


@pytest.mark.parametrize("data", [bytes(range(32)) * 10, b"\x7fELF" + bytes(range(256)) * 4, os.urandom(4096)])
def test_binary_data_is_refused(data: bytes) -> None:
    with pytest.raises(Unparsable, match="binary data"):
        decode(data)


def test_bytes_without_a_plausible_charset_are_refused() -> None:
    noise = bytes(byte for byte in os.urandom(4_000) if byte > 0x7F)
    with pytest.raises(Unparsable, match="unknown text encoding"):
        decode(noise)


def test_text_that_contradicts_its_byte_order_mark_is_refused() -> None:
    with pytest.raises(Unparsable, match="looks like utf-16-le but is not"):
        decode(b"\xff\xfe\x00\xd8\x00")


@given(st.text(st.characters(exclude_characters="\0\x1b", exclude_categories=["Cs", "Cc"])))
def test_utf_8_is_read_as_it_is(text: str) -> None:
    assert decode(text.removeprefix("\ufeff").encode()).text == text.removeprefix("\ufeff")


@given(st.binary())
def test_any_bytes_give_text_or_unparsable(data: bytes) -> None:
    try:
        decode(data).text.encode()
    except Unparsable as error:
        assert "\n" not in error.reason
