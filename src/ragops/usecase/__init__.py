"""The use case: usecase.yml as one typed object."""

from ragops.usecase.criteria import Criterion, ServiceLevels
from ragops.usecase.evaluation import JUDGES, Evaluation, JudgeName, Release
from ragops.usecase.measures import MEASURES, Measure, Source
from ragops.usecase.usecase import UseCase, load_usecase

__all__ = [
    "JUDGES",
    "MEASURES",
    "Criterion",
    "Evaluation",
    "JudgeName",
    "Measure",
    "Release",
    "ServiceLevels",
    "Source",
    "UseCase",
    "load_usecase",
]
