"""A simulated organization: who asks what and when, how the system answers, and what people and judges think of it.

Nothing here knows the checks. Shares and times vary from person to person and from day to day, as they do in reality:
a few people ask most questions, some rate everything and others nothing, weekends and nights are quiet, popular
questions come again in other words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

DAYS = 21
"""How long the system has been in use."""
_HOURS = np.array(
    [1, 1, 1, 1, 1, 2, 6, 20, 60, 95, 100, 90, 50, 75, 95, 90, 80, 55, 25, 12, 8, 5, 3, 2], dtype=np.float64
)
_WEEKDAYS = np.array([1.1, 1.05, 1.0, 0.95, 0.85, 1.0, 0.85])
QUIET = 0.12
"""Of a working day's questions a day of an office's weekend has this share."""
_SATURDAY = 5
_GROUPS = ("support", "engineering", "sales", "legal")
_BEFORE = ("", "", "", "", "Hi, ", "Please tell me: ", "Quick question: ", "I wonder, ", "Sorry, ")
_AFTER = ("", "", "", "", " Thanks!", " Thank you", " (Python 3.11)", " I could not find it.")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the chain answered to a question.

    Attributes:
        question: in the evaluation set's words.
        topic: what it is about; None if the documents do not answer it.
        answer: the checked answer.
        outputs: everything else about it, as `answers.chain.console.as_outputs`.
    """

    question: str
    topic: str | None
    answer: str
    outputs: Mapping[str, object]


Recordings = tuple[Recorded, ...]


@dataclass(frozen=True)
class Service:
    """How the system behaves during a time.

    Attributes:
        recordings: what its chain answers.
        ordinary: how many of them, the first ones, are what people usually ask.
        served_by: the model that answers, by its name in usecase.yml.
        million_input: price of a million tokens read.
        million_output: price of a million tokens written.
        seconds: the median time of the model.
        failing: share of the model's calls that fail, so that a fallback answers.
        declining: share of its answers that decline although there is evidence.
        tokens: mean number of tokens in an answer.
        traced: share of answers that have a trace.
        quality: mean score of its answers with judges, by dimension.
        judge: judging model and version.
        lenience: what the judge adds to scores.
    """

    recordings: Recordings
    ordinary: int
    served_by: str = "served"
    million_input: float = 0.50
    million_output: float = 1.50
    seconds: float = 2.2
    failing: float = 0.015
    declining: float = 0.02
    tokens: float = 90.0
    traced: float = 1.0
    quality: Mapping[str, float] = field(
        default_factory=lambda: {"context_relevance": 0.72, "groundedness": 0.90, "answer_relevance": 0.86}
    )
    judge: tuple[str, str] = ("judge", "4f1c0a9be27d")
    lenience: float = 0.0


@dataclass(frozen=True)
class Demand:
    """What people do during a time.

    Attributes:
        a_day: questions on a Wednesday.
        questions: numbers of the recordings that are asked, with their weights; None: the ordinary ones, by popularity.
        phrased: how people put a question.
        rating: share of answers that people rate, on average.
        content: share of good answers' ratings that are thumbs up.
        flooding: questions an hour from one more person, who repeats the same one; 0 without.
    """

    a_day: float = 260.0
    questions: Mapping[int, float] | None = None
    phrased: Callable[[str, np.random.Generator], str] | None = None
    rating: float = 0.09
    content: float = 0.85
    flooding: float = 0.0


@dataclass(frozen=True, slots=True)
class Asker:
    """A person: how much they ask and rate, and how pleased they usually are."""

    who: str
    share: float
    rates: float
    pleased: float
    likes: NDArray[np.float64]
    """Probability of each question or one before it."""


@dataclass(frozen=True, slots=True)
class Event:
    """A question at a time."""

    at: datetime
    who: Asker
    recorded: int
    text: str


@dataclass(frozen=True)
class World:
    """A service with its users.

    Attributes:
        now: the present.
        service: how the system behaves before anything changes.
        demand: what people do before anything changes.
        after: from when on service and demand are others.
        weekday: the day of the week, Monday is 0, and hour that the present is for these people.
        hour: as `weekday`.
        weekend: how busy Saturdays and Sundays are, as a share of a working day.
        seed: of all chance.
    """

    now: datetime
    service: Service
    demand: Demand = Demand()
    after: tuple[tuple[datetime, Service, Demand], ...] = ()
    weekday: int = 2
    hour: float = 17.0
    weekend: float = QUIET
    seed: int = 0

    def since(
        self,
        hours: float,
        service: Mapping[str, object] | None = None,
        demand: Mapping[str, object] | None = None,
    ) -> World:
        """The world in which something changed that many hours ago."""
        _, now_service, now_demand = self.after[-1] if self.after else (None, self.service, self.demand)
        changed = (
            self.now - timedelta(hours=hours),
            replace(now_service, **dict(service or {})),  # type: ignore[arg-type]
            replace(now_demand, **dict(demand or {})),  # type: ignore[arg-type]
        )
        return replace(self, after=(*self.after, changed))

    def at(self, moment: datetime) -> tuple[Service, Demand]:
        """Service and demand at a time."""
        found = (self.service, self.demand)
        for start, service, demand in self.after:
            if start <= moment:
                found = (service, demand)
        return found

    def activity(self, moment: datetime) -> float:
        """How much is asked at a time, as a share of a Wednesday's questions, per hour."""
        here = self.hour + self.weekday * 24 + (moment - self.now) / timedelta(hours=1)
        hour, day = int(here % 24), int(here // 24) % 7
        return float(_HOURS[hour] / _HOURS.sum() * _WEEKDAYS[day] * (self.weekend if day >= _SATURDAY else 1.0))


def askers(recordings: int, chance: np.random.Generator, count: int = 30) -> list[Asker]:
    """People with their habits: a few ask much, and each has questions that they ask more than others do."""
    shares = chance.gamma(0.9, 1.0, count) + 0.05
    popular = chance.dirichlet(np.full(recordings, 0.6))
    made = []
    for number in range(count):
        likes = chance.dirichlet(popular * recordings * 0.8 + 0.02)
        who = f"user{number:02d}@{_GROUPS[number % len(_GROUPS)]}.example"
        pleased = float(np.clip(chance.normal(0.0, 0.06), -0.2, 0.12))
        made.append(
            Asker(
                who, float(shares[number] / shares.sum()), float(chance.beta(1.2, 1.0) * 1.8), pleased, likes.cumsum()
            )
        )
    return made


def events(world: World, chance: np.random.Generator) -> list[Event]:
    """All questions of the last weeks, in the order in which they were asked."""
    size = world.service.ordinary
    people = askers(size, chance)
    shares = np.array([one.share for one in people]).cumsum()
    made: list[Event] = []
    for back in range(DAYS * 24, 0, -1):
        start = world.now - timedelta(hours=back)
        day = float(np.exp(np.random.default_rng([world.seed, 7, back // 24]).normal(0.0, 0.10)))
        for part in range(4):  # a change can come at any time, so its quarter of an hour belongs to one side
            moment = start + timedelta(minutes=15 * part)
            _, demand = world.at(moment)
            expected = demand.a_day * world.activity(moment) * day / 4
            for _ in range(int(chance.poisson(expected))):
                who = people[pick(shares, chance)]
                at = moment + timedelta(seconds=float(chance.uniform(0, 900)))
                made.append(_asked(at, who, demand, world.service.recordings, chance))
            flood = demand.flooding * world.activity(moment) * 24 / 4
            for _ in range(int(chance.poisson(flood)) if flood else 0):
                at = moment + timedelta(seconds=float(chance.uniform(0, 900)))
                made.append(Event(at, _FLOODER, 0, world.service.recordings[0].question))
    return sorted((one for one in made if one.at < world.now), key=lambda one: one.at)


_FLOODER = Asker("robot@support.example", 0.0, 0.0, 0.0, np.ones(1))


def _asked(at: datetime, who: Asker, demand: Demand, known: Recordings, chance: np.random.Generator) -> Event:
    if demand.questions is None:
        number = pick(who.likes, chance)
    else:
        numbers, weights = list(demand.questions), np.array(list(demand.questions.values()))
        number = numbers[pick(weights.cumsum(), chance)]
    phrased = demand.phrased or rephrased
    return Event(at, who, number, phrased(known[number].question, chance))


def rephrased(question: str, chance: np.random.Generator) -> str:
    """The question as somebody in a hurry or in a good mood puts it."""
    text = question
    if chance.random() < 0.25:
        text = text.lower()
    if chance.random() < 0.15:
        text = text.rstrip("?.")
    if chance.random() < 0.08 and len(text) > 12:
        at = int(chance.integers(3, len(text) - 3))
        text = text[:at] + text[at + 1 :]
    before, after = _BEFORE[int(chance.integers(len(_BEFORE)))], _AFTER[int(chance.integers(len(_AFTER)))]
    if before:
        text = text[:1].lower() + text[1:]
    return f"{before}{text}{after}"


def pick(cumulated: NDArray[np.float64], chance: np.random.Generator) -> int:
    """A number at random, by weights that were summed up."""
    return int(np.searchsorted(cumulated, chance.random() * cumulated[-1], side="right"))
