"""The table `documents`: one row for each file in the landing folder."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from ragops.platform.tables import Int32, Table


class DocumentRow(BaseModel):
    """A row of `documents`."""

    model_config = ConfigDict(frozen=True)

    doc_id: str = Field(description="Hash of the relative path.")
    path: str = Field(description="Path relative to the landing folder.")
    title: str | None = Field(None, description="Title from the document, or derived from its file name.")
    language: str | None = Field(None, description="Language of the text, ISO 639-1.")
    format: str | None = Field(None, description="Format of the content: md, html, txt, docx, pdf, png, ...")
    markdown: str | None = Field(None, description="The whole text as Markdown; null if it could not be parsed.")
    pages: Int32 | None = Field(None, description="Number of pages, if the format has pages.")
    size_bytes: int = Field(description="Size of the file in bytes.")
    modified_at: datetime = Field(description="Modification time of the file.")
    file_hash: str | None = Field(None, description="SHA-256 of the file's bytes.")
    doc_hash: str | None = Field(
        None, description="SHA-256 of title and Markdown: the version that later stages compare."
    )
    parser: str = Field(description="Name of the parser.")
    parser_version: str = Field(description="Version of the parsers; a new version parses every file again.")
    ocr: bool = Field(description="Whether text was recognized in images.")
    warnings: tuple[str, ...] = Field(
        (), description="Parts of the file that were not read, a short sentence for each; empty if all of it was."
    )
    reason: str | None = Field(None, description="Why it could not be parsed; null if it was.")
    exception_type: str | None = Field(None, description="Class name of the underlying error.")
    limit_met: str | None = Field(
        None, description="The limit that refused it, if any; raising it triggers another try."
    )
    limit_value: float | None = Field(None, description="Value of that limit, in its own unit.")
    changed_us: int | None = Field(
        None, description="Last change of content or status, microseconds since 1970; null if unknown."
    )
    tries: Int32 | None = Field(
        None, description="How many runs read this content: several if its parser ran out of time or memory, or died."
    )
    checked_at: datetime | None = Field(None, description="When the file's bytes were last compared with file_hash.")
    ingested_at: datetime = Field(description="When this row was written.")


DOCUMENTS = Table.of(
    DocumentRow,
    name="documents",
    comment="One row for each file in the landing folder: its Markdown, or the reason why it could not be parsed.",
    key="doc_id",
    cluster_by="doc_id",
    informative=("ingested_at",),
)
