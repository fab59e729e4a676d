"""The counter: the office registers customers and sells for cash itself, and looks after its till."""

from handlers.office.counter import goods, register, sell, till  # noqa: F401 - each adds its pages
