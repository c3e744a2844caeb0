"""`embeddings` to a searchable index: immutable generations, a pointer that readers follow, verification, rollback."""
