"""The log: who changed what and when, as the audit has it."""
