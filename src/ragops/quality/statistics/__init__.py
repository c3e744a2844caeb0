"""What a sample of questions says of all questions: intervals, paired comparisons, and judges against people."""
