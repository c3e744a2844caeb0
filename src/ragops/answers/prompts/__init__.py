"""Prompts: versioned template files, untrusted text between delimiters, and MLflow's prompt registry."""
