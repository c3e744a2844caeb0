"""A chain as it was logged: its configuration and its files, without running the code that was logged with it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ragops.errors import UserError, explain
from ragops.serving.model.configuration import ChainConfiguration
from ragops.serving.model.registered import ChainVersion
from ragops.text import reason

_DESCRIPTION = "MLmodel"


def logged_parts(model: Path, name: str) -> tuple[ChainConfiguration, dict[str, Path]]:
    """Configuration and files of a model in MLflow's format.

    Args:
        model: its folder.
        name: of the chain, for errors.

    Raises:
        UserError: it is not a chain, or one of another version of ragops.
    """
    from mlflow.models import Model
    from mlflow.pyfunc import FLAVOR_NAME

    try:
        flavor: dict[str, Any] = Model.load(str(model)).flavors[FLAVOR_NAME]
        configuration = ChainConfiguration.model_validate(flavor["config"])
        files = {key: model / saved["path"] for key, saved in flavor.get("artifacts", {}).items()}
    except ValidationError as error:
        what = explain(error.errors())
        raise UserError(f"{name}: another version of ragops logged it ({what}); run the release again") from error
    except Exception as error:  # of a damaged file, any type
        raise UserError(f"{name}: is not a chain ({reason(error)}); run the release again") from error
    return configuration, files


def read_configuration(version: ChainVersion) -> ChainConfiguration:
    """The configuration of a registered version; of its files only the description is downloaded.

    Raises:
        UserError: as `logged_parts`.
        MlflowException: its files are not there, or the registry does not answer; of other clients any type.
    """
    with tempfile.TemporaryDirectory(prefix="ragops-chain-") as folder:
        return logged_parts(_downloaded(f"{version.uri}/{_DESCRIPTION}", folder).parent, str(version))[0]


def download(version: ChainVersion, into: str | None = None) -> tuple[ChainConfiguration, dict[str, Path]]:
    """Configuration and files of a registered version.

    Args:
        version: of the registered model.
        into: an existing folder for the files; None uses those of a store on this machine where they are.

    Raises:
        UserError: as `logged_parts`.
        MlflowException: as `read_configuration`.
    """
    return logged_parts(_downloaded(version.uri, into), str(version))


def _downloaded(uri: str, into: str | None) -> Path:
    import mlflow

    return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=into))
