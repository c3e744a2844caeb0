"""Question -> answer with checked citations, or an abstention. Start reading in `chain`."""
