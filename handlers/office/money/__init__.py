"""What was taken, what waits for somebody, and how it fits what others say."""
