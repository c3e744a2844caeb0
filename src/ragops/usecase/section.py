"""What the types of all sections of usecase.yml have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section of usecase.yml: immutable, and a field that it does not have is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
