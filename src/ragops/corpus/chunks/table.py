"""The table `chunks`: one row for each passage of a document."""

from ragops.platform.tables import Column, Table

CHUNKS = Table(
    name="chunks",
    comment="Passages of documents, split by their structure.",
    key="chunk_id",
    cluster_by="doc_id",
    columns=(
        Column("chunk_id", "STRING", "Hash of document, heading path and text; a passage that only moved keeps it."),
        Column("doc_id", "STRING", "The passage's document."),
        Column("ordinal", "INT", "Position in the document, from 0."),
        Column("title", "STRING", "The document's title."),
        Column("path", "STRING", "The document's path in the landing folder."),
        Column("heading_path", "ARRAY<STRING>", "Headings above the passage, outermost first."),
        Column("text", "STRING", "The passage as Markdown."),
        Column("embedded_text", "STRING", "The text that is embedded: title and headings before the text."),
        Column("tokens", "INT", "Length of the text in the embedding model's tokens."),
        Column("page", "INT", "Page on which it starts, if the format has pages."),
        Column("text_hash", "STRING", "SHA-256 of embedded_text; equal texts are embedded once."),
        Column("source_version", "STRING", "Version of the document and the splitter."),
    ),
)
