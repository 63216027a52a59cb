"""Other parties' interfaces, as their clients know them."""
