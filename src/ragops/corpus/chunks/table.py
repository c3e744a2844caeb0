"""The table of passages."""

from ragops.platform.tables import Column, Table

CHUNKS = Table(
    name="chunks",
    comment="Passages of documents, cut along their structure.",
    key="chunk_id",
    cluster_by="doc_id",
    columns=(
        Column("chunk_id", "STRING", "Hash of document, heading path and text: a passage that only moved keeps it."),
        Column("doc_id", "STRING", "The document it comes from."),
        Column("ordinal", "INT", "Place in the document, from 0."),
        Column("title", "STRING", "The document's title."),
        Column("path", "STRING", "The document's path in the landing folder."),
        Column("heading_path", "ARRAY<STRING>", "Headings above the passage, outermost first."),
        Column("text", "STRING", "The passage as Markdown."),
        Column("embedded_text", "STRING", "What the model sees: title and headings before the text."),
        Column("tokens", "INT", "Length of the text in tokens of the embedding model."),
        Column("page", "INT", "Page it starts on, where the format has pages."),
        Column("text_hash", "STRING", "SHA-256 of embedded_text: equal texts are embedded once."),
        Column("source_version", "STRING", "Version of document and splitter that it was made from."),
    ),
)
