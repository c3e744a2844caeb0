"""The kinds of language models: a served one, local ones, quotes from the evidence, scripted replies."""
