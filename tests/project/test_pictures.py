"""`make pictures` still finds what it takes pictures of."""

import struct
from pathlib import Path

import pytest
import time_machine

from tests.project import pictures
from tests.world.chromium import needs_chromium
from tests.world.people import NOON

pytestmark = [pytest.mark.slow, needs_chromium]


@time_machine.travel(NOON)
async def test_each_picture_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "FOLDER", tmp_path)
    await pictures.take(list(pictures.PICTURES))
    for name in pictures.PICTURES:
        width, height = struct.unpack(">II", (tmp_path / f"{name}.png").read_bytes()[16:24])
        assert width in (pictures.DESK, pictures.PHONE) and 300 < height <= pictures.HEIGHT, name
