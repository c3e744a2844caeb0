"""What can be wrong: one module for each topic, functions of what was read alone, without Spark."""
