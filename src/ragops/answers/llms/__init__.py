"""One gateway to every language model: policy, limits, retries, fallback, and a ledger of all calls."""
