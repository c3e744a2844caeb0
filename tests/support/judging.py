"""Judges over a real HTTP server, answers to judge, and replies as a good model gives them."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.sinks import MemorySink
from ragops.answers.llms.policy import Policy
from ragops.answers.llms.providers.openai_compatible import Access, OpenAICompatibleModel
from ragops.answers.llms.settings import OpenAICompatible
from ragops.answers.prompts.template_files import PromptSettings, load_templates
from ragops.quality.judges.answer import AnswerToJudge, shown
from ragops.quality.judges.asking import Judges, ObservedSink
from ragops.quality.judges.judge import NO_EXAMPLES, Examples, Judge
from ragops.usecase import JUDGES, JudgeName
from tests.support.llms import models, scripted
from tests.support.openai_double import Behavior

TEMPLATES = load_templates(PromptSettings(), Path())
KEY = b"a key of sixteen bytes or more"
PRICES = {"price_per_million_input": 0.5, "price_per_million_output": 1.5}


def judges_at(
    url: str,
    *names: JudgeName,
    sink: MemorySink | None = None,
    examples: Examples = NO_EXAMPLES,
    attempts: int = 1,
    count_tokens: Callable[[str], int] = lambda text: len(text.split()),
    **settings: Any,
) -> Judges:
    """Judges of a served model; `settings` of the model."""
    given = {"served_name": "llama", "context_tokens": 100_000, "base_url": url, "timeout_s": 60.0} | PRICES | settings
    model = OpenAICompatible.model_validate({"name": "judge", "provider": "openai_compatible", **given})
    use_case = models(
        "judge",
        [],
        model.model_dump(),
        scripted("answers"),
        resilience={"attempts": attempts, "failures_to_rest": 1_000_000},
        cache=0,
    )
    observed = ObservedSink(sink or MemorySink())
    opened = OpenAICompatibleModel(model, Access(url))
    gateway = Gateway(use_case, Policy("public"), lambda _: opened, observed, sleep=lambda seconds: None)
    judges = tuple(Judge(name, TEMPLATES[name], model, examples) for name in names or JUDGES)
    return Judges(judges, gateway, observed, KEY, count_tokens)


def item(number: int = 1, **changes: Any) -> AnswerToJudge:
    """An answer of two statements from three passages."""
    given: dict[str, Any] = {
        "answer_id": f"resp_{number:032x}",
        "question_id": f"q{number}",
        "question": f"When does ferry {number} leave, and what do children pay?",
        "answer": f"Ferry {number} leaves at eight [1]. Children pay nothing [2].",
        "passages": tuple(
            shown(title, f"{title}.md", text)
            for title, text in (
                ("Ferry", f"Ferry {number} leaves the north pier at eight."),
                ("Tickets", "Children under seven pay nothing."),
                ("Pier", "The pier was built in 1902."),
            )
        ),
        "reference": f"Ferry {number} leaves at eight; children are free.",
        "cluster": f"topic{number % 7}",
        "model": "answers",
        "cost": 0.001,
    }
    return AnswerToJudge(**(given | changes))


def asked_for(body: dict[str, Any]) -> list[str]:
    """The fields that a request asks for: the reason and the verdicts."""
    fields = body["response_format"]["json_schema"]["schema"]["required"]
    return list(fields)


def verdicts(body: dict[str, Any], verdict: str = "yes", reason: str = "It is said in the first passage.") -> str:
    """A reply that satisfies the request's schema."""
    return json.dumps({name: reason if name == "reason" else verdict for name in asked_for(body)})


def judge_of(body: dict[str, Any]) -> str:
    """Which judge a request comes from, by its system text."""
    system = body["messages"][0]["content"]
    return next(name for name in JUDGES if TEMPLATES[name].system.strip() == system)


def answering(body: dict[str, Any]) -> Behavior:
    """A judge that finds everything good."""
    return Behavior(text=verdicts(body))


def delimited(text: str, name: str) -> Sequence[str]:
    """The texts between delimiters of that name, with one code for the whole message."""
    codes = set(re.findall(r"</?(?:passage|question|answer|reference|statement)-([a-z2-7]{10})", text))
    assert len(codes) == 1, codes
    (code,) = codes
    return re.findall(rf"<{name}-{code}[^>]*>\n?(.*?)\n?</{name}-{code}>", text, re.DOTALL)
