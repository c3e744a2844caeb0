"""A document's way: landing files to documents, chunks, embeddings and the published index."""
