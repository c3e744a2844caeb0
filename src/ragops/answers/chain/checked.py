"""From a model's reply to the checked answer, and the abstention where there is none: for single questions and batches.

The reply is parsed (`parse_reply`), invalid citations are removed, sentences that repeat a passage are attributed, and
a text without any citation is replaced by quotes or an abstention (`citations`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from ragops.answers.chain.citations import attribute, check_citations, quote
from ragops.answers.chain.parse_reply import parse_reply
from ragops.answers.chain.types import Answer, AnswerSettings
from ragops.answers.llms.settings import DEFAULT_ABSTENTION, Extractive
from ragops.answers.llms.types import Reply
from ragops.answers.prompts.template import Template
from ragops.answers.prompts.untrusted import without_delimiters
from ragops.answers.retrieval.context import Context


class Checked(NamedTuple):
    """A checked answer, and what the check changed in the reply: for the trace.

    `removed` counts invalid citations, `attributed` the sentences that got one; `quoted`: quotes replaced the text.
    """

    answer: Answer
    removed: int
    attributed: int
    quoted: bool


@dataclass(frozen=True)
class Checks:
    """What decides how a reply becomes an answer. It can be pickled.

    Attributes:
        prompt: the template for answers.
        settings: the use case's section `answers`.
        quotes: how passages are quoted instead of a text without citations.
    """

    prompt: Template
    settings: AnswerSettings
    quotes: Extractive

    def abstention(self, question: str, context: Context, score: float, generation: str) -> Answer:
        """The answer to a question that no model is asked.

        Args:
            question: that stands alone.
            context: its sources.
            score: how well they match it, 0 to 1.
            generation: the index generation that they are from.
        """
        return Answer(
            text=self.prompt.abstention or DEFAULT_ABSTENTION,
            cited=(),
            sources=context.sources,
            abstained="no evidence",
            standalone=question,
            evidence=score,
            prompt=f"{self.prompt.name}@{self.prompt.content_hash[:8]}",
            generation=generation,
        )

    def suffices(self, context: Context, score: float) -> bool:
        """Whether the evidence allows to ask a model."""
        return bool(context.sources) and score >= self.settings.min_evidence

    def checked(self, reply: Reply, abstention: Answer) -> Checked:
        """The answer in the reply, with checked citations; the given abstention, with the reply's figures, if none."""
        sources = abstention.sources
        passages = [one.text for one in sources]
        parsed = parse_reply(
            without_delimiters(reply.text), self.prompt, (self.prompt.abstention or "", DEFAULT_ABSTENTION)
        )
        cited = check_citations(parsed.text, len(passages))
        grounded = attribute(cited.text.strip(), passages, self.settings.attribute_from)
        quoted = not grounded.numbers and not parsed.abstains and self.settings.uncited == "quote"
        if quoted:
            grounded = quote(abstention.standalone, passages, self.quotes)
        answer = replace(
            abstention,
            abstained="the model",
            model=reply.model,
            failed=reply.failed,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            valid_citations=cited.valid,
            removed_citations=cited.removed,
        )
        if not parsed.abstains and grounded.text:
            answer = replace(
                answer,
                text=grounded.text,
                cited=tuple(one for one in sources if one.number in grounded.numbers),
                abstained=None,
                attributed=grounded.attributed,
                quoted=quoted,
            )
        return Checked(answer, cited.removed, grounded.attributed, quoted)
