"""What came in, what goes out, and writing to one or to many."""
