"""The table `chunks`: one row for each passage of a document."""

from pydantic import BaseModel, ConfigDict, Field

from ragops.platform.tables import Int32, Table


class ChunkRow(BaseModel):
    """A row of `chunks`."""

    model_config = ConfigDict(frozen=True)

    chunk_id: str = Field(description="Hash of document, heading path and text; a passage that only moved keeps it.")
    doc_id: str = Field(description="The passage's document.")
    ordinal: Int32 = Field(description="Position in the document, from 0.")
    title: str | None = Field(None, description="The document's title.")
    path: str = Field(description="The document's path in the landing folder.")
    heading_path: list[str] = Field(description="Headings above the passage, outermost first.")
    text: str = Field(description="The passage as Markdown.")
    embedded_text: str = Field(description="The text that is embedded: title and headings before the text.")
    tokens: Int32 = Field(description="Length of the text in the embedding model's tokens.")
    page: Int32 | None = Field(None, description="Page on which it starts, if the format has pages.")
    text_hash: str = Field(description="SHA-256 of embedded_text; equal texts are embedded once.")
    source_version: str = Field(description="Version of the document and the splitter.")


CHUNKS = Table.of(
    ChunkRow,
    name="chunks",
    comment="Passages of documents, split by their structure.",
    key="chunk_id",
    cluster_by="doc_id",
)
