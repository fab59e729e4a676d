"""The demo world: its people, devices and goods."""
