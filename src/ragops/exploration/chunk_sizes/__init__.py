"""How the corpus divides into chunks of several sizes."""
