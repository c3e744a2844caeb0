"""From a question to its answer: retrieval, prompt, language model, citations."""
