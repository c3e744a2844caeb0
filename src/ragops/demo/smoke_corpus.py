"""The smoke test's corpus, a harbor's notices in two editions, and what a search must find in each.

It has more documents than a stage processes on a cluster's driver, so that Spark's workers are used; and one is a
picture, which needs OCR.
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
        gone: words that no passage may contain any more.
    """

    documents: Mapping[str, str]
    answers: Mapping[str, tuple[str, str]]
    gone: tuple[str, ...] = ()


def edition(version: Version, mark: str) -> Edition:
    """The corpus before or after an edit; `mark` makes the texts of a run different from those of other runs.

    In the second edition the draft replaces the notice: one document has changed and one is gone, but every text has
    been embedded before, so the refresh must publish without embedding anything.
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


def write_edition(folder: Path, corpus: Edition) -> list[Path]:
    """Makes `folder` contain the edition and nothing else.

    Returns:
        Its files, sorted.

    Raises:
        UserError: the folder contains something else, possibly documents of a user.
    """
    files = volume_files(folder)
    existing: list[str] = []
    with suppress(PathNotFound):
        existing = [entry.name for entry in files.list(folder)]
    if others := sorted(set(existing) - edition("first", "").documents.keys()):
        raise UserError(
            f"landing: {folder} contains {others[0]}, which is not part of the smoke test; nothing was changed. "
            "Set landing= to an empty folder, or remove the file"
        )
    for name in set(existing) - corpus.documents.keys():
        files.remove(folder / name)
    for name, text in corpus.documents.items():
        files.write(folder / name, to_picture(Document(text)) if name.endswith(".png") else text.encode())
    return [folder / name for name in sorted(corpus.documents)]


def check(corpus: Edition, search: Search) -> Iterator[str]:
    """Asks the questions of an edition; yields a line for each that is answered.

    Raises:
        UserError: another passage comes first, or an edited text is still found.
    """
    for question, (path, words) in corpus.answers.items():
        found, text = next(iter(search(question)), ("nothing", ""))
        if found != path or words not in text:
            raise UserError(
                f"smoke: '{question}' finds {found} first ({' '.join(text.split())[:80]}), not {path} with '{words}'; "
                "check the refresh that ran before"
            )
        yield f"{question} {path}: {words}"
    for words in corpus.gone:
        stale = [path for path, text in search(words) if words in text]
        if stale:
            raise UserError(f"smoke: '{words}' was removed and is still found in {stale[0]}; check publish_index")
        yield f"{words}: gone"


_NOTICE = "# Notice of the harbor master\n\n"

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
        "with smoked paprika. Guests with a bowl of their own get a second helping.</p></body></html>\n"
    ),
}
