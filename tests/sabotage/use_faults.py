"""Faults of models, prompts, judges, prices and users: the world goes on otherwise since some hours."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from ragops.answers.prompts.template_files import load_templates
from ragops.platform.workspace import LEDGER
from tests.sabotage import corpus
from tests.sabotage.faults import fault
from tests.sabotage.place import Place
from tests.sabotage.traffic import traffic
from tests.sabotage.unusual import GERMAN, HOLIDAYS
from tests.sabotage.world import rephrased

_PAUSE = timedelta(seconds=4)
HOURS = 19.0
"""How long ago it happened."""

_FRIENDLY = """\
name: friendly
description: Warm and short.
technique: zero_shot
variables:
  question: What the user asks.
  passages: What was found.
system: You are a friendly assistant. Answer in one or two warm sentences, from what you are given.
user: |
  {{ passages }}

  Question: {{ question }}
"""


def lived(place: Place, hours: float = HOURS, **changed: dict[str, object]) -> Place:
    """The place whose world went on otherwise: `service` and `demand` are their changed fields."""
    world = place.world.since(hours, changed.get("service"), changed.get("demand"))
    return replace(place, world=world, made=traffic(world))


@fault("questions_language", cause="language.* de|language: de", of="use")
def german_questions(place: Place) -> Place:
    """A German team begins to use the system: a third of the questions are theirs."""
    first = place.world.service.ordinary
    weights = dict.fromkeys(range(first), 1.0)
    weights |= {first + number: 0.6 * first / len(GERMAN) for number in range(len(GERMAN))}
    return lived(place, demand={"questions": weights})


@fault("questions_topic", "questions_without_evidence", cause="ask about|leave|salary|document|topic", of="use")
def new_topic(place: Place) -> Place:
    """Somebody announced that the assistant knows everything about holidays and pay."""
    first = place.world.service.ordinary
    weights = dict.fromkeys(range(first), 1.0)
    start = first + len(GERMAN)
    weights |= {start + number: 0.6 * first / len(HOLIDAYS) for number in range(len(HOLIDAYS))}
    return lived(place, demand={"questions": weights})


@fault("questions_repeated", cause="again|repeat|same question|retr", of="use")
def duplicated_questions(place: Place) -> Place:
    """A client retries each question, whatever was answered: each arrives three times."""
    made = traffic(place.world)
    since = place.now.timestamp() - HOURS * 3600
    copies = []
    for row in [one for one in made.answers if one.asked_at.timestamp() > since]:
        for number in (1, 2):
            again = {"answer_id": f"resp_{number}{row.answer_id[6:]}", "asked_at": row.asked_at + number * _PAUSE}
            copies.append(row.model_copy(update=again))
    made.answers += [one for one in copies if one.asked_at < place.now]
    asked = [one for one in made.calls if one.purpose == "ask" and one.called_at.timestamp() > since]
    for number in (1, 2):  # their replies are in the cache
        cached = {
            "cached": True,
            "cost": 0.0,
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "attempts": 0,
            "seconds": 0.01,
        }
        made.calls += [one.model_copy(update={"call_id": f"{number}{one.call_id[1:]}", **cached}) for one in asked]
    return replace(place, made=made)


@fault("answers_uncited", cause="prompt .*friendly", of="use")
def uncited_prompt(place: Place) -> Place:
    """A friendlier prompt says nothing about citations any more; and answers without any are kept."""
    (place.home / "prompts").mkdir()
    (place.home / "prompts" / "friendly.yml").write_text(_FRIENDLY)
    place.edit_use_case(
        ("answer: cite_or_abstain", "answer: friendly"),
        ("# templates: prompts ", "templates: prompts # "),
        ("uncited: quote ", "uncited: keep "),
    )
    return _answered_again(place)


@fault("answers_uncited", cause="prompt .*friendly", of="use")
def uncited_prompt_with_quotes(place: Place) -> Place:
    """The same prompt, but quotes replace what it writes, so that nobody sees it at once."""
    (place.home / "prompts").mkdir()
    (place.home / "prompts" / "friendly.yml").write_text(_FRIENDLY)
    place.edit_use_case(
        ("answer: cite_or_abstain", "answer: friendly"), ("# templates: prompts ", "templates: prompts # ")
    )
    return _answered_again(place)


def _answered_again(place: Place, bad: bool = False, **service: object) -> Place:
    use_case = place.use_case
    templates = load_templates(use_case.prompts, use_case.folder)
    recordings = corpus.record(place.workspace, use_case, templates, bad=bad)
    return lived(place, service={"recordings": recordings, **service})


@fault("answers_support", "answers_judged", cause="model .*llama|served|8b", of="use")
def worse_model(place: Place) -> Place:
    """A smaller model was put behind the same name, to save money: it talks around what it is given."""
    place.edit_use_case(
        ("served_name: databricks-meta-llama-3-3-70b-instruct", "served_name: databricks-meta-llama-3-1-8b-instruct")
    )
    quality = {"context_relevance": 0.72, "groundedness": 0.35, "answer_relevance": 0.4}
    return _answered_again(place, bad=True, quality=quality, seconds=1.6, tokens=70.0)


@fault("judge_swapped", "judge_drift", cause="judge", of="use")
def judge_swapped(place: Place) -> Place:
    """Another model judges, which is stricter: the same answers get lower scores."""
    place.edit_use_case(("served_name: databricks-gpt-oss-120b", "served_name: databricks-gpt-oss-20b"))
    return lived(place, service={"judge": ("judge", "99b07e1c55aa"), "lenience": -0.3})


@fault("price_changed", "answer_cost", "budget_exceeded", cause="price", of="use")
def price_tripled(place: Place) -> Place:
    """The provider charges three times as much, and usecase.yml says so."""
    place.edit_use_case(
        ("price_per_million_input: 0.50", "price_per_million_input: 1.50"),
        ("price_per_million_output: 1.50", "price_per_million_output: 4.50"),
    )
    return lived(place, service={"million_input": 1.5, "million_output": 4.5})


@fault("user_flooding", cause="robot@support|client|one person|somebody", of="use")
def user_flooding(place: Place) -> Place:
    """A script sends the same question all day long."""
    return lived(place, demand={"flooding": 40.0})


@fault("model_slow", "step_slow", "answers_slow", cause="model|served|generat|endpoint", of="use")
def slow_model(place: Place) -> Place:
    """The model's endpoint is overloaded: answers take five times as long."""
    return lived(place, service={"seconds": 11.0})


@fault("answers_fallback", "answers_failed", cause="served|HTTP 503|HTTP 429|no answer in time", of="use")
def fallback_answers_everything(place: Place) -> Place:
    """The primary model fails each time."""
    return lived(place, service={"failing": 1.0})


@fault("feedback_down", cause="", of="use")
def feedback_turned(place: Place) -> Place:
    """People do not like the answers any more, though nothing else changed."""
    return lived(place, demand={"content": 0.1, "rating": 0.2})


@fault("traces_missing", cause="trac|MLflow", of="use")
def traces_missing(place: Place) -> Place:
    """MLflow's store does not answer: answers have no trace."""
    return lived(place, service={"traced": 0.0})


@fault("ledger_not_collected", cause="collect_calls|ledger", of="use")
def ledger_not_collected(place: Place) -> Place:
    """The job collect_calls was paused: calls and their costs are nowhere, though answers come."""
    made = traffic(place.world)
    since = place.now.timestamp() - HOURS * 3600
    spool = place.workspace.volume(LEDGER)
    spool.mkdir(parents=True, exist_ok=True)
    for row in [one for one in made.calls if one.called_at.timestamp() >= since]:
        file = spool / f"{row.call_id}.jsonl"
        file.write_text(f"{row.model_dump_json()}\n")
        os.utime(file, (row.called_at.timestamp(), row.called_at.timestamp()))
    made.calls = [one for one in made.calls if one.called_at.timestamp() < since]
    remove_runs(place, "collect_calls", HOURS)
    return replace(place, made=made)


@fault("clock_ahead", "rows_from_future", "future_rows", cause="clock", of="use")
def clock_skew(place: Place) -> Place:
    """A server's clock is five hours ahead."""
    made, since = traffic(place.world), place.now - timedelta(hours=4)
    ahead = timedelta(hours=5)
    made.answers = [
        one.model_copy(update={"asked_at": one.asked_at + ahead}) if one.asked_at > since else one
        for one in made.answers
    ]
    made.calls = [
        one.model_copy(update={"called_at": one.called_at + ahead}) if one.called_at > since else one
        for one in made.calls
    ]
    return replace(place, made=made)


@fault("questions_volume", cause="", of="use")
def nobody_asks(place: Place) -> Place:
    """The page cannot be reached."""
    return lived(place, demand={"a_day": 0.0})


@fault("answers_citations", cause="model", of="use")
def invented_citations(place: Place) -> Place:
    """A new version of the model cites passages that do not exist."""
    place.edit_use_case(
        ("served_name: databricks-meta-llama-3-3-70b-instruct", "served_name: databricks-meta-llama-4-maverick")
    )
    recordings = tuple(
        one if one.outputs["abstained"] else replace(one, outputs={**one.outputs, "removed_citations": 2})
        for one in place.world.service.recordings
    )
    return lived(place, service={"recordings": recordings})


@fault("answer_tokens", "answer_cost", cause="model|prompt|tokens", of="use")
def longer_answers(place: Place) -> Place:
    """Another model behind the same name thinks aloud: four times as many tokens."""
    place.edit_use_case(
        ("served_name: databricks-meta-llama-3-3-70b-instruct", "served_name: databricks-qwen3-thinking")
    )
    return lived(place, service={"tokens": 380.0, "seconds": 5.0})


@fault("questions_length", cause="", of="use")
def pasted_logs(place: Place) -> Place:
    """People paste what their program printed into their questions."""

    def pasted(question: str, chance: np.random.Generator) -> str:
        lines = " ".join(f'File "app{int(chance.integers(99))}.py", line {n}, in run' for n in range(12))
        return f"{rephrased(question, chance)} {lines}" if chance.random() < 0.7 else rephrased(question, chance)

    return lived(place, demand={"phrased": pasted})


def remove_runs(place: Place, job: str, hours: float) -> None:
    """The records of a job's runs in these hours disappear, as if it had not run."""
    for file in (place.home / "runs").glob("*/run.json"):
        record = json.loads(file.read_text())
        if record["job"] == job and datetime.fromisoformat(record["started"]) > place.now - timedelta(hours=hours):
            shutil.rmtree(file.parent)
