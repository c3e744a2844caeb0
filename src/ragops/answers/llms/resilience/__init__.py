"""What keeps calls to a model working: retries, rate limits, a circuit breaker, a cache."""
