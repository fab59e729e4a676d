"""The MISTY1 cipher against the blocks that RFC 2994 publishes."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.tokens import misty1

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "sts.json").read_text())["misty1"]


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: row["plain"])
def test_misty1_reproduces_the_published_blocks(row: dict[str, str]) -> None:
    key, plain, cipher = bytes.fromhex(row["key"]), int(row["plain"], 16), int(row["cipher"], 16)
    assert misty1.encrypt(key, plain) == cipher
    assert misty1.decrypt(key, cipher) == plain


@given(key=st.binary(min_size=16, max_size=16), block=st.integers(0, 2**64 - 1))
def test_misty1_decrypts_what_it_encrypted(key: bytes, block: int) -> None:
    assert misty1.decrypt(key, misty1.encrypt(key, block)) == block


@pytest.mark.parametrize(("key", "block"), [(b"short", 0), (bytes(16), -1), (bytes(16), 2**64)])
def test_misty1_refuses_other_sizes(key: bytes, block: int) -> None:
    for cipher in (misty1.encrypt, misty1.decrypt):
        with pytest.raises(ValueError, match="MISTY1"):
            cipher(key, block)
