"""Answers to many questions at once, inside Spark. Not wired yet: no job calls it."""
