"""What the office's pages show: the day's figures, and messages with their reasons."""
