"""What leaves: written in the transaction that caused it, sent after its commit, tried again, reported, moved."""
