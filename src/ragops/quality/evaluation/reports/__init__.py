"""Evaluation results for people and programs: tables, pictures and JSON."""
