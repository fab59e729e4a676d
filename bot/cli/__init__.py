"""The `mwanga` command: one file for each noun, and main.py for the commands without one."""
