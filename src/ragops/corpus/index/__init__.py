"""`embeddings` to a searchable index: immutable generations, one pointer that readers follow, verify and roll back."""
