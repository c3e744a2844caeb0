"""A question's way: retrieval, prompt, language model, citations, answer."""
