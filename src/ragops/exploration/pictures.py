"""Pictures of a profile, each with one sentence that is made from its numbers."""

from ragops.exploration.chunk_sizes.pictures import chunk_pictures, map_pictures
from ragops.exploration.documents.pictures import document_pictures
from ragops.exploration.questions.pictures import question_pictures
from ragops.exploration.vocabulary.pictures import vocabulary_pictures
from ragops.platform.drawing import Picture
from ragops.platform.drawing import show_pictures as show

__all__ = [
    "Picture",
    "chunk_pictures",
    "document_pictures",
    "map_pictures",
    "question_pictures",
    "show",
    "vocabulary_pictures",
]
