"""Question -> passages: dense and lexical search, fused."""
