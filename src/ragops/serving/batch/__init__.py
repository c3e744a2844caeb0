"""Answers to many questions at once, inside Spark."""
