"""Measures the hot paths as ratios against bare ceilings, in one interleaved run. `make bench` prints them."""
