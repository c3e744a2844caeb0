"""What a team chooses about its serving endpoint."""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ragops.serving.endpoint.ai_gateway import GatewaySettings

_SECRET = re.compile(r"\{\{secrets/[^/{}\s]+/[^/{}\s]+\}\}")
_CONFIDENTIAL = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)


class EndpointSettings(BaseModel):
    """One endpoint for custom models. Times in seconds."""

    # Values may be secrets written by mistake: an error names the field and not what stands there.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")
    workload_size: Literal["Small", "Medium", "Large"] = "Small"
    workload_type: Literal[
        "CPU",
        "CPU_MEDIUM",
        "CPU_LARGE",
        "GPU_SMALL",
        "GPU_MEDIUM",
        "GPU_LARGE",
        "GPU_XLARGE",
        "GPU_XLARGE_8",
        "MULTIGPU_MEDIUM",
    ] = "CPU"
    # Costs nothing while nobody asks, and the first question after a pause waits for the model to load.
    scale_to_zero: bool = False
    environment_vars: dict[str, str] = {}
    # Who may change it, and who may ask it, beside the one who makes it and the workspace's admins: groups, people by
    # their address, service principals by their application id.
    managers: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()
    gateway: GatewaySettings | None = None
    # Building a container image and loading the model take 10 to 20 minutes.
    ready_seconds: float = Field(default=2400, gt=0)
    smoke_seconds: float = Field(default=180, gt=0)
    poll_seconds: float = Field(default=10, gt=0)

    @field_validator("name")
    @classmethod
    def _leave_the_platforms_names(cls, name: str) -> str:
        if name.startswith("databricks-"):
            raise ValueError("names that begin with databricks- are the platform's own")
        return name

    @field_validator("environment_vars")
    @classmethod
    def _keep_secrets_in_scopes(cls, variables: dict[str, str]) -> dict[str, str]:
        for name, value in variables.items():
            secret = _SECRET.fullmatch(value)
            if not secret and ("{{" in value or _CONFIDENTIAL.search(name)):
                raise ValueError(
                    f"{name} must be a reference {{{{secrets/SCOPE/KEY}}}}: its value is readable otherwise"
                )
        return variables
