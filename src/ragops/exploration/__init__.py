"""What a corpus and its questions are like, measured before anything is chosen for them."""
