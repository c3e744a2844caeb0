"""Language models: one module for each provider, and what they need."""
