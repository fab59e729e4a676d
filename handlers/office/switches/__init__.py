"""What the office switches off in an emergency: all messages that go out, and all sales."""
