"""Opens the judges of a use case, or says in one line why there are none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from ragops.answers.llms.ledger.sinks import Sink
from ragops.answers.llms.open import open_gateway, open_ledger
from ragops.answers.llms.policy import Policy
from ragops.answers.llms.providers.token_counts import LlmCounter, llm_counter
from ragops.answers.llms.settings import Answering, AnyModel, Models, Resilience
from ragops.answers.prompts.template import Template
from ragops.answers.prompts.template_files import find, load_templates
from ragops.assembly import delimiter_key
from ragops.errors import UserError
from ragops.platform.workspace import Workspace
from ragops.quality.judges.asking import Judges, ObservedSink
from ragops.quality.judges.examples import check_examples, kept_examples
from ragops.quality.judges.judge import NO_EXAMPLES, Examples, Judge
from ragops.quality.judges.replies import SCALE
from ragops.usecase import UseCase
from ragops.usecase.evaluation import JudgeName

# Of judges' prompts on English documents with code: 3.3 for SmolLM2's tokenizer, 3.4 for BERT's.
_BYTES_PER_TOKEN = 3.4
# A run of hundreds of calls must not pause because some of them failed: it counts failures itself.
_NEVER = 1_000_000


def open_judges(
    use_case: UseCase,
    workspace: Workspace,
    model: str = "",
    *,
    answering: Collection[str] = (),
    sink: Sink | None = None,
    examples: Mapping[JudgeName, Examples] | None = None,
) -> Judges:
    """The judges that usecase.yml names, with one model.

    Args:
        use_case: names judges, model and prompts.
        workspace: with the ledger, and the key of the prompts' delimiters.
        model: used instead of `evaluation.judge`.
        answering: models whose answers will be judged, in addition to `models.answer.primary`.
        sink: where ledger rows go, instead of the schema's volume.
        examples: corrected cases for the prompts, by judge, instead of those that `ragops judges align` has kept.

    Raises:
        UserError: no model is set, or it is one that answers, cannot judge or may not see the texts; a prompt is wrong.
    """
    settings = judging_model(use_case, model, answering)
    templates = load_templates(use_case.prompts, use_case.folder)
    judges = []
    for name in use_case.evaluation.judges:
        template = _checked(find(templates, name, "judge"))
        known = kept_examples(use_case.folder, name) if examples is None else examples.get(name, NO_EXAMPLES)
        judges.append(Judge(name, template, settings, known, use_case.prompts.values_for(template)))
        check_examples(judges[-1], use_case.folder)
    observed = ObservedSink(sink or open_ledger(workspace))
    gateway = open_gateway(_models(use_case.models, settings), use_case.corpus.classification, workspace, observed)
    counter = _counter(settings, use_case.models, workspace)
    return Judges(tuple(judges), gateway, observed, delimiter_key(workspace), counter)


def judging_model(use_case: UseCase, model: str = "", answering: Collection[str] = ()) -> AnyModel:
    """The model that judges. Raises UserError as `open_judges` does; nothing is opened."""
    name = model or use_case.evaluation.judge
    if name is None:
        raise UserError(
            "evaluation.judge: no model is set; name one of models.known, another than models.answer.primary"
        )
    settings = use_case.models.named(name)
    if settings.provider == "extractive":
        raise UserError(f"judge {name}: it quotes passages and cannot judge; name a language model")
    for other in dict.fromkeys((use_case.models.answer.primary, *answering)):
        if _is_same(settings, use_case.models.named(other)):
            same = "it" if other == name else f"{other}, the same model,"
            raise UserError(f"judge {name}: {same} writes the answers; name another model in evaluation.judge")
    Policy(use_case.corpus.classification).check([settings])
    return settings


def _is_same(one: AnyModel, other: AnyModel) -> bool:
    """Whether two names stand for one model: the same weights, or the same name on the same server."""
    fields = ("provider", "served_name", "source", "base_url", "replies")
    return one.name == other.name or all(getattr(one, name, None) == getattr(other, name, None) for name in fields)


def _models(models: Models, judge: AnyModel) -> Models:
    answer = Answering(primary=judge.name, deadline_s=models.answer.deadline_s)
    resilience = Resilience(attempts=models.resilience.attempts, failures_to_rest=_NEVER)
    return models.model_copy(update={"answer": answer, "resilience": resilience, "cache": 0})


def _checked(template: Template) -> Template:
    properties = (template.response_schema or {}).get("properties", {})
    choices = properties.get("verdict", {}).get("enum", ())
    if "reason" not in properties or not choices or not set(choices) <= set(SCALE):
        known = ", ".join(SCALE)
        raise UserError(
            f"prompt template {template.name}: response_schema has no reason, or no verdict with an enum of {known}; "
            f"copy both from: ragops prompts show {template.name}"
        )
    return template


def _counter(settings: AnyModel, models: Models, workspace: Workspace) -> Callable[[str], int]:
    """The model's own tokenizer, or another one of the use case; without any, an estimate from the length."""
    counter: LlmCounter = llm_counter(models.with_primary(settings.name), workspace.path)
    if counter.file is None:
        return lambda text: round(len(text.encode()) / _BYTES_PER_TOKEN)
    return lambda text: counter([text])[0]
