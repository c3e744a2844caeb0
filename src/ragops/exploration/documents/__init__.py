"""Size, age, quality and structure of the documents."""
