"""One publisher of an index at a time, by what each place really has to exclude with."""
