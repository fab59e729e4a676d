"""The `mwanga` command, one file for each noun."""
