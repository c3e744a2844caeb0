"""The measures applied to tables. What comes back from Spark's workers is aggregates and bounded samples."""
