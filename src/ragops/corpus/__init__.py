"""From landing files to the published index: documents, chunks, embeddings, index."""
