"""A healthy system: the corpus with two generations of its index, three weeks of use, and everything that ran."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from croniter import croniter

from ragops.answers.llms.ledger.calls import CALLS
from ragops.corpus.embeddings.recipes import encoder_source
from ragops.corpus.index.generations.manifest import write_manifest
from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
from ragops.demo.corpus import PATHS
from ragops.exploration.profile import Profile
from ragops.exploration.questions.kinds import ExploredQuestion
from ragops.exploration.questions.measures import profile_questions
from ragops.monitoring.system.settings import current_settings, remember, seen_rows
from ragops.platform.workspace import Workspace, models_folder
from ragops.quality.criteria.rows import METRICS, Metric, Origin
from ragops.quality.datasets.question_set import open_set
from ragops.quality.feedback.rows import ANSWERS, FEEDBACK
from ragops.quality.judges.rows import JUDGMENTS
from tests.sabotage import corpus
from tests.sabotage.place import Place, at_home
from tests.sabotage.traffic import Traffic, traffic
from tests.sabotage.world import Service, World

REPOSITORY = Path(__file__).parents[2]
AGE = timedelta(days=20)
"""How old documents and tables look."""
AHEAD = timedelta(hours=6)
"""How much later the systems are looked at: what tests do to them has happened a few hours ago then."""
SEEN_LAST = timedelta(hours=20)
"""How long ago the monitor ran last."""
MINUTES = {"refresh": 4.0, "collect_calls": 2.0, "evaluate": 12.0}
"""How long a run of a job takes; of other jobs two minutes."""


def build(home: Path, schema: str = "healthy") -> Place:
    """Makes the system in a new folder; Spark is the session that this process has."""
    home.mkdir(parents=True)
    text = (REPOSITORY / "usecase.yml").read_text()
    (home / "usecase.yml").write_text(text.replace("questions: sample ", "questions: questions.jsonl "))
    corpus.write_questions(home)
    workspace = Workspace("spark_catalog", schema)
    with at_home(home):
        workspace.create_schema()
        landing = workspace.volume("landing")
        files = corpus.write_files(landing)
        last = landing / PATHS[corpus.TOPICS[0]]
        content = last.read_bytes()
        last.unlink()
        corpus.refresh(workspace)
        last.write_bytes(content)
        corpus.refresh(workspace)
        assert len(files) == len(corpus.TOPICS)
        recordings = corpus.record(workspace)
        now = datetime.now(UTC) + AHEAD
        service = Service(recordings, len(corpus.ordinary()))
        # Used all week, so that what is found does not depend on the day on which the tests run.
        world = World(now, service, weekday=now.weekday(), hour=now.hour, weekend=1.0)
        place = Place(workspace, home, world)
        made = traffic(world)
        fill(place, made)
        _measured(place)
        _explored(place, made)
        _scheduled(place)
        _backdated(place)
        _monitored(place)
    return place


def fill(place: Place, made: Traffic) -> None:
    """Writes what happened into the tables."""
    place.write(ANSWERS, made.answers)
    place.write(CALLS, made.calls)
    place.write(FEEDBACK, made.feedback)
    place.write(JUDGMENTS, made.judgments)


def metrics(now: datetime, generation: str) -> Iterator[Metric]:
    """What jobs measured: each refresh that published something, and the evaluation of each night."""
    for day in range(20, 0, -1):
        at = now - timedelta(days=day)
        yield Origin("refresh", generation=generation, measured_at=at).metric("refresh_minutes", 3.0 + day % 3, 40)
        yield Origin("refresh", generation=generation, measured_at=at).metric("freshness_minutes", 22.0 + day % 7, 3)
        night = Origin("evaluate", "python-reference/3", generation, "sample-1", at)
        values = {"recall_at_5": 0.62, "recall_at_10": 0.7, "coverage": 0.74, "answered": 0.85, "abstained": 0.72}
        values |= {"supported": 0.4, "citation_validity": 0.99, "seconds_p95": 6.0, "groundedness": 0.9}
        values |= {"context_relevance": 0.7, "answer_relevance": 0.85}
        for name, value in values.items():
            yield night.metric(name, value + 0.01 * ((day * 7) % 3 - 1), 120)
    live = Origin("collect_calls", "python-reference/3", generation, measured_at=now - timedelta(minutes=50))
    yield live.metric("live_seconds_p95", 5.0, 1500)
    yield live.metric("live_answer_cost", 0.0012, 1500)
    yield live.metric("feedback_rate", 0.08, 1500)
    yield Origin("answer_batch", measured_at=now - timedelta(days=3)).metric("batch_answers_per_minute", 80.0, 500)
    night = Origin("evaluate", "python-reference/3", generation, "sample-1", now - timedelta(days=1))
    yield night.metric("search_p95_ms", 45.0, 100)


def _measured(place: Place) -> None:
    live = PublishedIndex(index_root(place.workspace)).pointer().generation
    place.write(METRICS, list(metrics(place.now, live)))


def _explored(place: Place, made: Traffic) -> None:
    """The job explore looked at the questions of the first week."""
    asked = sorted({one.question for one in made.answers if one.asked_at < place.now - 2 * AGE / 3})
    model = corpus.USE_CASE.embedding
    encoder = encoder_source(model, "openvino", converted=models_folder(place.workspace), threads=2)
    profile = Profile(place.now - 2 * AGE / 3)
    explored = [ExploredQuestion(question=one) for one in asked]
    profile.add(profile_questions(place.workspace, model, encoder, explored))
    profile.save(place.workspace)


def schedules() -> dict[str, dict[str, str]]:
    """The schedules of the bundle's jobs, as in a target in which they are not paused."""
    found = {}
    for file in sorted((REPOSITORY / "resources").glob("*.yml")):
        for name, job in (yaml.safe_load(file.read_text())["resources"].get("jobs") or {}).items():
            if schedule := job.get("schedule"):
                found[name] = schedule | {"pause_status": "UNPAUSED"}
    return found


def _scheduled(place: Place) -> None:
    """The jobs' schedules, and their runs of the last days, all of which succeeded."""
    schema = {"catalog_name": place.workspace.catalog, "name": place.workspace.schema}
    jobs = {name: {"schedule": schedule} for name, schedule in schedules().items()}
    bundle = {"variables": {}, "resources": {"jobs": jobs, "schemas": {"rag": schema}}}
    (place.home / "bundle.json").write_text(json.dumps(bundle))
    for name, schedule in schedules().items():
        times = croniter(schedule["quartz_cron_expression"], place.now - timedelta(days=2), second_at_beginning=True)
        while (started := times.get_next(datetime)) < place.now:
            minutes = min(MINUTES.get(name, 2.0), (place.now - started) / timedelta(minutes=1) * 0.9)
            place.run_record(name, started, minutes)


def _backdated(place: Place) -> None:
    """The tables, the documents and the index look as if nothing was changed for weeks."""
    by = int(AGE.total_seconds())
    place.sql(f"UPDATE {{documents}} SET ingested_at = ingested_at - INTERVAL {by} SECONDS")
    place.backdate(AGE)
    index = PublishedIndex(index_root(place.workspace))
    for manifest in index.manifests():
        earlier = manifest.model_copy(update={"built_at": manifest.built_at - AGE})
        write_manifest(index.folder(manifest.name), earlier)
    pointer = index.pointer()
    index.write_pointer(pointer.model_copy(update={"published_at": pointer.published_at - AGE}))


def _monitored(place: Place) -> None:
    """The monitor ran for weeks, last a day ago, and saw the use case as it is."""
    _date(place.use_case_file, place.now - AGE)
    questions = open_set(place.use_case).version
    settings = current_settings(place.use_case, place.now - AGE, questions, "")
    first = seen_rows([], settings, place.now - AGE)
    remember(place.workspace, seen_rows(first, settings, place.now - SEEN_LAST))


def _date(file: Path, then: datetime) -> None:
    os.utime(file, (then.timestamp(), then.timestamp()))
