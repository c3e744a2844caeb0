"""The use case: usecase.yml as one typed object."""

from ragops.usecase.evaluation import JUDGES, Evaluation, JudgeName, Release
from ragops.usecase.usecase import Criterion, ServiceLevels, UseCase, load_usecase

__all__ = ["JUDGES", "Criterion", "Evaluation", "JudgeName", "Release", "ServiceLevels", "UseCase", "load_usecase"]
