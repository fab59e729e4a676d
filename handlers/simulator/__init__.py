"""The page with the phone, its script and its style; in the demo world only."""
