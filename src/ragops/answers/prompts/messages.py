"""What every model is sent: a list of messages, the form that chat templates and chat endpoints share."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: who speaks, and what they say."""

    role: Role
    content: str
