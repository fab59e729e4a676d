"""One conversation: what may be asked, how it is run again at every turn, and which commands there are."""
