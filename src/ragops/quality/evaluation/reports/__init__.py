"""Evaluation results for people: tables, comparisons and charts."""
