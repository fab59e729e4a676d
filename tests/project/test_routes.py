"""How machines may ask."""

from bot.app import build_app
from bot.config import load

MACHINES = ("/gateways/", "/smsgate/")


def test_a_machine_that_asks_for_the_head_alone_sets_nothing_in_motion() -> None:
    """A phone's question for its messages hands them over: with HEAD they would be given and thrown away."""
    routes = [(route.method, route.resource.canonical) for route in build_app(load()).router.routes() if route.resource]
    asked = [(method, path) for method, path in routes if path.startswith(MACHINES)]
    assert len(asked) >= 13
    assert not [path for method, path in asked if method == "HEAD"]
