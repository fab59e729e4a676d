"""Which gateway carries a message, and how each gateway is."""
