"""The tables of messages and phones: what came in, what goes out, who is asked, which gateway carries it."""
