"""The machine: what is the same for every company that sells power by text."""
