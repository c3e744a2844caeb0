"""The measures applied to tables. Texts stay on Spark's workers; what comes back is aggregates and bounded samples."""
