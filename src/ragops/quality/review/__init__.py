"""People label answers in the judges' dimensions: what is drawn for them, what they say, and how far judges agree."""
