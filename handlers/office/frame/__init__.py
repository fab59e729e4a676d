"""What every page of the office stands on: who may see it, the session, forms, words and times. It knows no page."""
