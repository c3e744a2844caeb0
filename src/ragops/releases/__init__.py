"""A model version that passed its gate, put where people use it, and taken back when it does not answer there."""
