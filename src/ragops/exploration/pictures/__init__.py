"""Pictures of a profile, each with one sentence that is made from its numbers."""

from ragops.drawing import Picture, show
from ragops.exploration.pictures.chunking import chunk_pictures, map_pictures
from ragops.exploration.pictures.documents import document_pictures
from ragops.exploration.pictures.questions import question_pictures
from ragops.exploration.pictures.vocabulary import vocabulary_pictures

__all__ = [
    "Picture",
    "chunk_pictures",
    "document_pictures",
    "map_pictures",
    "question_pictures",
    "show",
    "vocabulary_pictures",
]
