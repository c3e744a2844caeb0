"""The chain in MLflow's registry: its name in a schema, and the alias of the version that serves."""

CHAIN = "chain"
"""The registered model, one in each schema; the first release creates it."""
CHAMPION = "champion"
