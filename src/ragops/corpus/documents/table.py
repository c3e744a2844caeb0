"""The table `documents`: what is known of each file in the landing folder."""

from ragops.platform.tables import Column, Table

DOCUMENTS = Table(
    name="documents",
    comment="One row for each file in the landing volume, as Markdown, or with the reason why it could not be read.",
    key="doc_id",
    cluster_by="doc_id",
    informative=("ingested_at",),
    columns=(
        Column("doc_id", "STRING", "Hash of the relative path."),
        Column("path", "STRING", "Path relative to the landing folder."),
        Column("title", "STRING", "Title found in the document, or made from its file name."),
        Column("language", "STRING", "Language of the text, ISO 639-1."),
        Column("format", "STRING", "What the content is: md, html, txt, docx, pdf, png, ..."),
        Column("markdown", "STRING", "The whole text as Markdown; null when it could not be parsed."),
        Column("pages", "INT", "Pages, where the format has them."),
        Column("size_bytes", "BIGINT", "Size of the file in bytes."),
        Column("modified_at", "TIMESTAMP", "When the file was last changed."),
        Column("file_hash", "STRING", "SHA-256 of the file's bytes."),
        Column("doc_hash", "STRING", "SHA-256 of title and Markdown: the version that later stages compare."),
        Column("parser", "STRING", "The parser that read it."),
        Column("parser_version", "STRING", "Version of the parsers; another one reads every file again."),
        Column("ocr", "BOOLEAN", "True when text was recognised in pictures."),
        Column("reason", "STRING", "Why it could not be parsed; null when it was."),
        Column("exception_type", "STRING", "The kind of failure behind the reason."),
        Column("limit_met", "STRING", "The limit that refused it, if one did: it is tried again once that is larger."),
        Column("limit_value", "DOUBLE", "What that limit was, in its own unit."),
        Column("changed_us", "BIGINT", "Last change of content or status, microseconds since 1970; null if unknown."),
        Column("ingested_at", "TIMESTAMP", "When this row was written."),
    ),
)
