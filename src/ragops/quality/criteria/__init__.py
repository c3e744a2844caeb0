"""Success criteria: what was measured, as rows of one table, against what the use case requires."""
