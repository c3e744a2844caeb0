"""The chain that answers a batch: chosen once, then the same for every task, whatever happens to the registry.

The first task saves the choice as a file on the ledger volume and passes the file's name on. A task on a GPU cluster
therefore needs neither MLflow nor the bundle's files, and a champion that changes or is deleted meanwhile changes
nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from ragops.answers.llms.policy import Policy
from ragops.answers.llms.settings import CHANGES_NO_ANSWER, AnyModel
from ragops.answers.prompts.template import Template
from ragops.answers.prompts.template_files import find
from ragops.assembly import retrieval_within_context
from ragops.corpus.embeddings.model import fingerprint
from ragops.errors import UserError, explain, is_missing, needing
from ragops.platform.mlflow_store import store_errors, store_exists, use_mlflow
from ragops.platform.volumes.errors import VolumeError
from ragops.platform.volumes.open import volume_files
from ragops.platform.workspace import LEDGER, Workspace
from ragops.serving.model.configuration import ChainConfiguration
from ragops.serving.model.logged import read_configuration
from ragops.serving.model.registered import CHAIN, CHAMPION, WORKING_COPY, ChainVersion, by_alias
from ragops.text import digest, reason
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from mlflow import MlflowClient

FOLDER = "batch_chains"
_DIGITS = 16
_INSTEAD = f'"{WORKING_COPY}"'


class ChosenChain(BaseModel):
    """A chain and the model that answers.

    Attributes:
        name: of the registered model, or of the use case.
        version: of the registered model, or `WORKING_COPY`.
        configuration: as it was logged, or of the bundle's files.
        model: the only one that answers: nobody waits for a batch, so what it failed to answer is asked again later,
            and not answered by a fallback.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    configuration: ChainConfiguration
    model: AnyModel

    @classmethod
    def of(cls, version: ChainVersion, configuration: ChainConfiguration, model: AnyModel | None = None) -> ChosenChain:
        """The chain with its own primary model, or with another one.

        Raises:
            PolicyError: the model may not see the documents.
        """
        models = configuration.use_case.models
        answering = model or models.named(models.answer.primary)
        Policy(configuration.use_case.corpus.classification).check([answering])
        return cls(name=version.name, version=version.version, configuration=configuration, model=answering)

    @property
    def label(self) -> ChainVersion:
        """Its name and version."""
        return ChainVersion(self.name, self.version)

    @property
    def registered(self) -> ChainVersion | None:
        """Its version in the registry; None for the working copy."""
        return None if self.version == WORKING_COPY else self.label

    @property
    def use_case(self) -> UseCase:
        """Its use case, with no model that answers but the chosen one."""
        use_case = self.configuration.use_case
        models, model = use_case.models, self.model
        known = (model, *(one for one in models.known if one.name != model.name))
        answer = models.answer.model_copy(update={"primary": model.name, "fallback": ()})
        return use_case.model_copy(update={"models": models.model_copy(update={"answer": answer, "known": known})})

    @property
    def prompt(self) -> Template:
        """The template for answers. Raises UserError if there is none of that name."""
        return find(self.configuration.templates, self.configuration.use_case.prompts.answer, "answer")

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of what determines an answer besides code and documents.

        A registered version never changes; of a working copy they are its settings. Not the index generation: a refresh
        every half hour would make all answers stale.
        """
        model = self.model.model_dump(mode="json", exclude=set(CHANGES_NO_ANSWER))
        if self.registered:
            return digest({"chain": [self.name, self.version], "model": model})[:_DIGITS]
        use_case, prompt = self.use_case, self.prompt
        of_chain = {
            "answers": use_case.answers.model_dump(mode="json"),
            "classification": use_case.corpus.classification,
            "embedding": fingerprint(use_case.embedding),
            "model": model,
            "prompt": prompt.content_hash,
            "quotes": use_case.models.quotes.model_dump(mode="json", exclude=set(CHANGES_NO_ANSWER)),
            "retrieval": retrieval_within_context(use_case).model_dump(mode="json"),
            "values": use_case.prompts.values_for(prompt),
        }
        return digest(of_chain)[:_DIGITS]

    def __str__(self) -> str:
        """For a line of text."""
        return f"{self.label}, model {self.model.name}"

    def save(self, workspace: Workspace) -> str:
        """Writes it to the ledger volume; equal chains have one file.

        Returns:
            The file's name, for `load`.
        """
        content = self.model_dump_json()
        name = f"{digest(content)[:_DIGITS]}.json"
        path = _folder(workspace) / name
        volume_files(path).write(path, content.encode())
        return name

    @classmethod
    def load(cls, workspace: Workspace, name: str) -> ChosenChain:
        """Reads what `save` wrote.

        Raises:
            UserError: there is no such file, or it is none of this version of ragops.
        """
        path = _folder(workspace) / name
        try:
            return cls.model_validate_json(volume_files(path).read(path))
        except (VolumeError, ValidationError) as error:
            what = explain(error.errors()) if isinstance(error, ValidationError) else reason(error)
            raise UserError(
                f"{path}: the chain of this batch cannot be read ({what}); run the whole job again"
            ) from error


def working_copy(workspace: Workspace, use_case: UseCase, llm: str = "") -> ChosenChain:
    """The chain of the bundle's own files.

    Args:
        workspace: of the index and the ledger.
        use_case: of the files.
        llm: the model that answers; "" for the use case's primary one.

    Raises:
        UserError: there is no such model or prompt, or the model may not see the documents.
    """
    configuration = ChainConfiguration.of(workspace, use_case)
    model = use_case.models.named(llm) if llm else None
    return ChosenChain.of(ChainVersion(use_case.name, WORKING_COPY), configuration, model)


def registered_chain(workspace: Workspace, wanted: str, model: AnyModel | None = None) -> ChosenChain | None:
    """A version of the schema's registered chain.

    Args:
        workspace: its schema contains the registered model.
        wanted: a version's number, or `CHAMPION`.
        model: answers instead of the chain's own.

    Returns:
        None if the champion is wanted and there is none.

    Raises:
        UserError: there is no such version, its files are not there, or the registry does not answer.
    """
    name = workspace.registered(CHAIN)
    if not store_exists():
        if wanted == CHAMPION:
            return None
        raise _no_version(name, wanted)
    use_mlflow()
    from mlflow import MlflowClient

    try:
        version = _version(MlflowClient(), name, wanted)
    except store_errors() as error:
        line = f"chain: the registry does not answer ({reason(error)}); run again, or choose chain={_INSTEAD}"
        raise UserError(line) from error
    if version is None:
        return None
    try:
        configuration = read_configuration(version)
    except store_errors() as error:
        line = f"{version}: its files cannot be read ({reason(error)}); release again, or choose chain={_INSTEAD}"
        raise UserError(line) from error
    return ChosenChain.of(version, configuration, model)


def _version(client: MlflowClient, name: str, wanted: str) -> ChainVersion | None:
    from mlflow.exceptions import MlflowException

    if wanted == CHAMPION:
        found = by_alias(client, name, CHAMPION)
        return None if found is None else ChainVersion(name, str(found.version))
    try:
        with needing("EXECUTE", f"model {name}"):
            client.get_model_version(name, wanted)
    except MlflowException as error:
        if is_missing(error):
            raise _no_version(name, wanted) from error
        raise
    return ChainVersion(name, wanted)


def _no_version(name: str, wanted: str) -> UserError:
    return UserError(f"chain: model {name} has no version {wanted}; choose another, {CHAMPION}, or {_INSTEAD}")


def _folder(workspace: Workspace) -> Path:
    return workspace.volume(LEDGER) / FOLDER
