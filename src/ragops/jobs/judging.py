"""The job parameter that chooses the model that judges."""

from __future__ import annotations

from pydantic import Field

from ragops.errors import UserError
from ragops.jobs.parameters import UseCaseParameters
from ragops.usecase import UseCase

NONE = "none"
"""The value with which no judge runs, whatever the use case says."""


class JudgeParameters(UseCaseParameters):
    """For tasks that judge answers."""

    judge: str = Field(
        default="", description=f"the language model that judges answers; empty: the use case's; {NONE}: none does"
    )

    def judging(self, answering: str = "") -> UseCase:
        """The use case with the chosen judge.

        Args:
            answering: the language model that answers; "" for the use case's primary one.

        Raises:
            UserError: there is no such model, or it cannot judge what it answers itself.
        """
        use_case = self.use_case
        judge = {"": use_case.evaluation.judge, NONE: None}.get(self.judge, self.judge)
        changed = {
            "models": use_case.models.with_primary(answering),
            "evaluation": use_case.evaluation.model_copy(update={"judge": judge}),
        }
        chosen = use_case.model_copy(update=changed)
        try:
            chosen.judge_model()
        except UserError as error:
            raise UserError(f"parameter judge: {error}" if self.judge else str(error)) from error
        return chosen
