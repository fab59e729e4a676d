"""The vending key of meters at a prompt: checked, stored sealed, never shown."""

import pytest

from models.devices.meters import VENDING_KEY
from models.settings import Setting
from models.tokens.sts import TEST_VENDING_KEY
from models.vault import Vault
from tests.world.prompt import Run, query

KEY = "0123456789abcdef0123456789abcdef01234567"
DEMO_VAULT = "mwanga demo key: never use it for a real device"


def test_the_vending_key_is_read_from_standard_input_and_stored_sealed(run: Run, demo_url: str) -> None:
    result = run("vending-key", "--sgc", "600123", "--krn", 2, input=f"{KEY}\n")
    assert result.exit_code == 0, result.output
    assert KEY not in result.output
    [setting] = query(demo_url, f"SELECT value FROM setting WHERE name = '{VENDING_KEY}'")
    assert KEY not in str(setting["value"])
    kept = Vault(DEMO_VAULT).open_json(str(setting["value"]), VENDING_KEY)
    assert kept == {"sgc": "600123", "krn": 2, "ti": 1, "base_year": 2014, "secret": KEY}
    [row] = query(demo_url, "SELECT * FROM audit WHERE action = 'vending key'")
    assert row["subject"] == "600123" and KEY not in str(row["detail"])


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (("--sgc", "600123"), "abc", "This is no vending key."),
        (("--sgc", "600123"), KEY[:-2], "20 bytes"),
        (("--sgc", "60012"), KEY, "6 digits"),
        (("--sgc", "600123", "--krn", "10"), KEY, "1 to 9"),
        (("--sgc", "600123", "--tariff-index", "100"), KEY, "0 to 99"),
        (("--sgc", "600123", "--base-year", "2020"), KEY, "1993, 2014 or 2035"),
        (
            ("--sgc", "600123", "--base-year", "1993"),
            KEY,
            "Base date 1993 has run out: its meters take no more tokens.",
        ),
        (("--sgc", "600123", "--base-year", "2035"), KEY, "Base date 2035 has not begun."),
        (("--sgc", "600123"), TEST_VENDING_KEY.secret.hex(), "published for tests"),
    ],
)
@pytest.mark.everyday_on_sqlite
def test_a_wrong_vending_key_is_refused(run: Run, demo_url: str, words, typed: str, said: str) -> None:
    before = query(demo_url, "SELECT * FROM setting ORDER BY name")
    result = run("vending-key", *words, input=f"{typed}\n")
    assert result.exit_code == 1 and said in result.output
    assert typed not in result.output
    assert query(demo_url, "SELECT * FROM setting ORDER BY name") == before
    assert Setting._meta.db_table == "setting"
