"""Which gateway a message goes by."""

import pytest

from bot.routing import Router
from models.messages import Class
from tests.sending import ASHA


@pytest.mark.parametrize(("came_in_by", "goes_by"), [("kannel", "kannel"), ("africastalking", "simulator")])
def test_a_reply_goes_the_way_its_message_came_where_that_can_send(came_in_by: str, goes_by: str) -> None:
    assert Router(["simulator", "kannel"]).reply_gateway(came_in_by) == goes_by


def test_what_answers_nothing_goes_by_the_first_of_the_route() -> None:
    assert Router(["kannel", "simulator"]).gateway_for(ASHA, Class.REMINDER) == "kannel"


def test_a_route_of_no_gateway_is_refused() -> None:
    with pytest.raises(ValueError, match="no gateway can send"):
        Router([])
