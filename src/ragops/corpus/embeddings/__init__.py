"""Text to vectors: the model's identity, its encoders on CPU, GPU and endpoints, and the Spark function over them."""
