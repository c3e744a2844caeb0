"""The table `documents`: one row for each file in the landing folder."""

from ragops.platform.tables import Column, Table

DOCUMENTS = Table(
    name="documents",
    comment="One row for each file in the landing folder: its Markdown, or the reason why it could not be parsed.",
    key="doc_id",
    cluster_by="doc_id",
    informative=("ingested_at",),
    columns=(
        Column("doc_id", "STRING", "Hash of the relative path."),
        Column("path", "STRING", "Path relative to the landing folder."),
        Column("title", "STRING", "Title from the document, or derived from its file name."),
        Column("language", "STRING", "Language of the text, ISO 639-1."),
        Column("format", "STRING", "Format of the content: md, html, txt, docx, pdf, png, ..."),
        Column("markdown", "STRING", "The whole text as Markdown; null if it could not be parsed."),
        Column("pages", "INT", "Number of pages, if the format has pages."),
        Column("size_bytes", "BIGINT", "Size of the file in bytes."),
        Column("modified_at", "TIMESTAMP", "Modification time of the file."),
        Column("file_hash", "STRING", "SHA-256 of the file's bytes."),
        Column("doc_hash", "STRING", "SHA-256 of title and Markdown: the version that later stages compare."),
        Column("parser", "STRING", "Name of the parser."),
        Column("parser_version", "STRING", "Version of the parsers; a new version parses every file again."),
        Column("ocr", "BOOLEAN", "Whether text was recognized in images."),
        Column("reason", "STRING", "Why it could not be parsed; null if it was."),
        Column("exception_type", "STRING", "Class name of the underlying error."),
        Column("limit_met", "STRING", "The limit that refused it, if any; raising it triggers another try."),
        Column("limit_value", "DOUBLE", "Value of that limit, in its own unit."),
        Column("changed_us", "BIGINT", "Last change of content or status, microseconds since 1970; null if unknown."),
        Column("ingested_at", "TIMESTAMP", "When this row was written."),
    ),
)
