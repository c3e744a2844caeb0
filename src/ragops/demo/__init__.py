"""The sample corpus, which needs no download, with questions whose answers are known; and the smoke test's corpus.

The sample corpus is Python's language reference, generated in six formats from the texts of the running Python. The
79 files have 1.1 MB and could be shipped instead of the 600 lines that generate them, but their text and its license
are Python's, and this repository contains no third-party text.
"""
