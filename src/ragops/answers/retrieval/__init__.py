"""Question -> passages: dense and lexical search, fused, deduplicated, reranked and packed into a token budget."""
