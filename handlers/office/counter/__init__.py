"""The counter: the office registers customers and sells for cash itself, and looks after its till."""
