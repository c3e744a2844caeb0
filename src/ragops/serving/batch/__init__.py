"""Answers to a table of questions, in three steps that may run on different machines: retrieve, generate, check."""
