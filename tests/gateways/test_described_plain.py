"""Aggregators of the plain kind: they answer in words, report by GET, and want to be told how a text is coded."""

from typing import Any

import pytest

from bot.gateways import BadSignature
from bot.gateways.description import read_descriptions
from bot.gateways.errors import SendError
from bot.message import Receipt
from models.messages import State
from tests.world.described import MESSAGE, PIGEON, SECRET, TEXTBEE, gateway, get

SEND = {"url": "https://pigeon.example.org/send", "form": {"to": "{phone}", "text": "{text}", "dcs": "{coding}"}}
CODING = {"coding": {"gsm": "0", "unicode": "2"}}
ID = {"id_pattern": r"id[:=] ?(\w+)"}


def plain(**send: Any) -> dict[str, Any]:
    return {"callbacks": "form", "send": SEND | CODING | send}


@pytest.mark.parametrize(
    ("send", "said", "meaning"),
    [
        ({"success": {"contains": ["accepted", "queued"]}}, "Message ACCEPTED", "42"),
        ({"success": {"contains": ["accepted"]}}, "rejected", SendError("refused")),
        ({"success": {"contains": [0]}, **ID}, "status=0 id=ab12", "ab12"),
        ({"success": {"in": ["OK"]}, **ID}, "OK\nid: 77\n", "77"),
        ({"success": {"in": ["OK"]}, **ID}, "OK", SendError("strange answer")),
        (ID, f"id={'9' * 121}", SendError("strange answer")),
    ],
)
def test_an_answer_in_plain_text_says_whether_it_was_taken_and_by_which_id(
    send: dict[str, Any], said: str, meaning: str | SendError
) -> None:
    ours = gateway(plain(**send))
    if isinstance(meaning, str):
        assert ours.read_answer(MESSAGE, 200, said).external_id == meaning
    else:
        with pytest.raises(SendError, match=str(meaning)):
            ours.read_answer(MESSAGE, 200, said)


@pytest.mark.parametrize(("text", "coding"), [("Code 944 953 797", "0"), ("Été ƙ", "2")])
def test_a_request_says_how_its_text_is_coded(text: str, coding: str) -> None:
    message = type(MESSAGE)(42, MESSAGE.phone, text)
    assert f"&dcs={coding}".encode() in (gateway(plain()).request(message)[2] or b"")


@pytest.mark.parametrize("callbacks", ["form", "json", "query"])
def test_a_report_by_get_has_its_fields_in_the_address(callbacks: str) -> None:
    ours = gateway(PIGEON | {"callbacks": callbacks})
    assert "GET" in ours.methods
    receipt = ours.parse_receipt(ours.read(get("msg=9&state=DELIVRD")))
    assert receipt == Receipt("pigeon", "9", State.DELIVERED, "DELIVRD")


def test_a_get_does_not_get_around_the_signature() -> None:
    with pytest.raises(BadSignature):
        gateway(TEXTBEE).read(get("smsBatchId=b1&webhookEvent=MESSAGE_SENT"))


@pytest.mark.parametrize(
    ("send", "sentence"),
    [
        ({"success": {}}, "send.success: in, which may have a path, or contains."),
        ({"success": {"in": ["OK"], "contains": ["OK"]}}, "send.success: in, which may have a path, or contains."),
        ({"success": {"path": "a", "contains": ["OK"]}}, "send.success: in, which may have a path, or contains."),
        ({"id": "a", **ID}, "send.id_pattern: this or send.id says where the answer has the id."),
        ({"id_pattern": "[0-9]+"}, "send.id_pattern: a regular expression with the id as a group"),
        ({"id_pattern": "("}, "send.id_pattern: a regular expression (missing"),
        ({"coding": None}, "send.coding: the request has {coding}, and this is missing."),
    ],
)
def test_each_mistake_has_its_sentence(send: dict[str, Any], sentence: str) -> None:
    _, problems = read_descriptions({"pigeon": {"secret": SECRET} | plain(**send)})
    assert [problem.startswith(f"gateways.pigeon.{sentence}") for problem in problems] == [True], problems
