"""The `mwanga` command: one file for each noun, and main.py, which knows where each command is."""
