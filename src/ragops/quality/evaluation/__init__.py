"""How good it is: measures on the evaluation set, with what chance alone could have made of them."""
