"""The smoke test's corpus, a harbour's notices in two editions, and what a search must find in each.

There are more of them than a stage makes on a cluster's driver, so that Spark's workers are really used; and one is a
picture, which only OCR can read.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ragops.demo.formats import Document
from ragops.demo.formats.picture import to_picture
from ragops.errors import UserError
from ragops.platform.volumes.errors import PathNotFound
from ragops.platform.volumes.open import volume_files

Version = Literal["first", "second"]

Search = Callable[[str], Sequence[tuple[str, str]]]
"""From a question to path and text of the passages, best first."""


@dataclass(frozen=True)
class Edition:
    """The corpus at one time.

    Attributes:
        documents: text by path; of a picture, the text that is on it, as reStructuredText.
        answers: by question, the path of the passage that comes first and words in it.
        gone: words that no passage holds any more.
    """

    documents: Mapping[str, str]
    answers: Mapping[str, tuple[str, str]]
    gone: tuple[str, ...] = ()


def edition(version: Version, mark: str) -> Edition:
    """The corpus before and after an edit; `mark` tells the texts of one run from those of every other.

    In the second edition the draft has taken the notice's place. So one document changed and one is gone, yet every
    text was embedded before, and the refresh has to publish without embedding anything.
    """
    old, new = f"Order {mark}-A", f"Order {mark}-B"
    cranes = f"{_NOTICE}{old}: painters close the crane on the east quay until Friday, so heavy loads have to wait.\n"
    divers = f"{_NOTICE}{new}: divers inspect the slipway below the boathouse at noon; keep boats out of the water.\n"
    ferry = {"When does the ferry leave for the island?": ("ferry.md", "north pier")}
    lunch = {"What soup is there on Thursdays?": ("canteen.html", "lentil")}
    museum = {"What does the museum of lamps cost for students?": ("museum.png", "students")}
    always = ferry | lunch | museum
    if version == "first":
        answers = {"Who closes the crane, and until when?": ("notice.md", old)}
        return Edition(_STEADY | {"notice.md": cranes, "draft.md": divers}, answers | always)
    answers = {"Who inspects the slipway?": ("notice.md", new)}
    return Edition(_STEADY | {"notice.md": divers}, answers | always, gone=(old,))


def lay(folder: Path, corpus: Edition) -> list[Path]:
    """Makes `folder` hold the corpus and nothing else; returns its files, sorted.

    Raises:
        UserError: it holds something else, which may be somebody's documents.
    """
    files = volume_files(folder)
    held: list[str] = []
    with suppress(PathNotFound):
        held = [entry.name for entry in files.list(folder)]
    if others := sorted(set(held) - edition("first", "").documents.keys()):
        raise UserError(
            f"landing: {folder} holds {others[0]}, which is not the smoke test's; nothing was changed. "
            "Give landing= a folder of its own, or remove that"
        )
    for name in set(held) - corpus.documents.keys():
        files.remove(folder / name)
    for name, text in corpus.documents.items():
        files.write(folder / name, to_picture(Document(text)) if name.endswith(".png") else text.encode())
    return [folder / name for name in sorted(corpus.documents)]


def check(corpus: Edition, search: Search) -> Iterator[str]:
    """Asks the corpus's questions; yields a line for each that is answered.

    Raises:
        UserError: another passage comes first, or a text is found that is gone.
    """
    for question, (path, words) in corpus.answers.items():
        found, text = next(iter(search(question)), ("nothing", ""))
        if found != path or words not in text:
            raise UserError(
                f"smoke: '{question}' finds {found} first ({' '.join(text.split())[:80]}), not {path} with '{words}'; "
                "look at the refresh that ran before"
            )
        yield f"{question} {path}: {words}"
    for words in corpus.gone:
        held = [path for path, text in search(words) if words in text]
        if held:
            raise UserError(f"smoke: '{words}' was edited away and is still found in {held[0]}; look at publish_index")
        yield f"{words}: gone"


_NOTICE = "# Notice of the harbour master\n\n"

_SHORT = {
    "anchorage": "Yachts may anchor in the inner basin for two nights at most.",
    "bakery": "The bakery beside the chandler opens at five, so that crews have rolls before they sail.",
    "bicycles": "Bicycles are let by the hour behind the customs house; helmets cost nothing extra.",
    "bollards": "Bollards marked in yellow belong to the pilot boat.",
    "chandler": "The chandler splices ropes and fixes sails while you wait.",
    "customs": "Goods from abroad are declared at the customs house before they leave the quay.",
    "dredging": "A dredger deepens the fairway each October.",
    "fireworks": "On midsummer's eve rockets are lit from a barge in the middle of the bay.",
    "fish_market": "Mackerel and herring are auctioned at six in the morning in the market hall.",
    "fog": "In fog the horn sounds twice a minute.",
    "library": "The sailors' library lends novels in eleven languages.",
    "lost_property": "Umbrellas and gloves that were found are kept for a year at the gatehouse.",
    "parking": "Cars park on the gravel lot by the silo; lorries have a lot of their own.",
    "pilots": "Ships above ninety metres take a pilot on board off the outer buoy.",
    "regatta": "The regatta of wooden dinghies is sailed on the first Sunday of August.",
    "seals": "Keep fifty metres away from seals that rest on the sandbank.",
    "showers": "Showers take tokens, which the kiosk sells.",
    "tides": "The tide table hangs at the weighbridge; its heights are above chart datum.",
    "waste": "Used oil and batteries go into the red container.",
    "weather": "The storm cone is hoisted when gusts above force eight are forecast.",
}

_STEADY = {
    **{f"{name}.md": f"# {name.replace('_', ' ').capitalize()}\n\n{text}\n" for name, text in _SHORT.items()},
    "museum.png": (
        "Museum of lamps\n***************\n\n"
        "The museum of lamps is open from April to October. Adults pay seven euros, students pay three euros.\n"
    ),
    "ferry.md": (
        "# The ferry\n\n## Timetable\n\nThe ferry leaves the north pier for the lighthouse island at twenty to eight "
        "and is back by six in the evening.\n\n## Tickets\n\nTickets are sold on board; children under seven pay "
        "nothing.\n"
    ),
    "canteen.html": (
        "<html><head><title>The canteen</title></head><body><h1>The canteen</h1><p>On Thursdays there is lentil soup "
        "with smoked paprika. Whoever brings a bowl gets a second helping.</p></body></html>\n"
    ),
}
