"""Phones for people who have none: the one in the browser and `mwanga chat`."""
