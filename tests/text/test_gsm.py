"""What a text costs on the air, and that any text can be made to fit."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import plain, septets, shorten
from bot.text.gsm import BASIC, EXTENDED, fits_sms, is_gsm, parts, straight

gsm_texts = st.text(alphabet=BASIC + EXTENDED, max_size=700)
any_texts = st.text(max_size=200)


def test_the_tables_have_every_code_of_the_standard_once() -> None:
    assert len(BASIC) == len(set(BASIC)) == 127  # 128 codes less ESC
    assert len(EXTENDED) == len(set(EXTENDED)) == 10
    assert not set(BASIC) & set(EXTENDED)
    # Places in the table that 3GPP TS 23.038 6.2.1 prints; without ESC (0x1B) what follows moves by one.
    for code, letter in {
        0x00: "@",
        0x0A: "\n",
        0x10: "Δ",
        0x20: " ",
        0x41: "A",
        0x5F: "§",
        0x7F: "à",
    }.items():
        assert BASIC[code - (code > 0x1B)] == letter


@pytest.mark.parametrize(
    ("text", "cost"),
    [("", 0), ("Token", 5), ("a\nb", 3), ("é è à ù ü É Ç", 13), ("€", 2), ("[1] {2} ~", 14), ("@£$¥", 4)],
)
def test_septets_count_an_escaped_character_twice(text: str, cost: int) -> None:
    assert septets(text) == cost


@pytest.mark.parametrize(
    "letter", ["ç", "ê", "á", "ã", "ɓ", "`", "’", "–", "…", "•", "₦", "\u00a0", "\t", "\x1b", "🙂"]
)
def test_one_character_outside_the_alphabet_has_no_septets(letter: str) -> None:
    assert not is_gsm(f"Token {letter}")
    with pytest.raises(ValueError, match=r"GSM 03\.38"):
        septets(f"Token {letter}")


@given(st.one_of(gsm_texts, any_texts))
def test_a_text_costs_what_its_letters_cost(text: str) -> None:
    assert is_gsm(text) == all(letter in BASIC + EXTENDED for letter in text)
    if is_gsm(text):
        assert septets(text) == sum(2 if letter in EXTENDED else 1 for letter in text)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("€" * 152, 2),  # 76 pairs a part: 152 septets, since a pair is not split
        ("€" * 153, 3),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("a" * 153 + "€" + "a" * 151, 2),
        ("ê" * 70, 1),
        ("ê" * 71, 2),
        ("ê" * 134, 2),
        ("ê" * 135, 3),
        ("🙂" * 35, 1),
        ("🙂" * 36, 2),
        ("🙂" * 66, 2),  # 33 pairs a part: 66 of 67 units
        ("🙂" * 67, 3),
    ],
)
def test_parts_are_counted_as_phones_split_them(text: str, count: int) -> None:
    assert parts(text) == count


@given(gsm_texts)
def test_parts_hold_all_septets_and_waste_at_most_one_each(text: str) -> None:
    count, cost = parts(text), septets(text)
    assert cost <= max(160, 153 * count)
    assert count == 1 or cost > 152 * (count - 1)


@given(any_texts)
def test_every_text_can_be_made_plain(text: str) -> None:
    made = plain(text)
    assert is_gsm(made)
    assert plain(made) == made
    assert not any(unicodedata.decomposition(letter) for letter in made)


@given(any_texts)
def test_plain_reads_a_text_letter_by_letter(text: str) -> None:
    one_by_one = "".join(map(plain, text.replace("\r\n", "\n")))
    assert plain(text) == one_by_one


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Meter 04123456784\nToken 1234", "Meter 04123456784\nToken 1234"),
        ("Payé, reçu: ça va à Noël", "Paye, recu: ca va a Noel"),
        ("João não está", "Joao nao esta"),
        ("Ɓala Ɗan ƙasa ƴa’ya", "Bala Dan kasa ya'ya"),
        ("“Asha” – ‘SHS’…", "\"Asha\" - 'SHS'..."),
        ("Noe\u0308l", "Noel"),
        ("1\u00a0000\u202f000", "1 000 000"),
        ("a\r\nb\rc\u2028d\te", "a\nb\nc\nd e"),
        ("４８２ ٤٨٢ ۴۸۲ ४८२", "482 482 482 482"),
        ("œuvre, Straße, Øystein", "oeuvre, Strasse, Oystein"),
        ("12\u200b34\ufeff\u202a5\u202c", "12345"),
        ("₦500 €5 [a]", "N500 €5 [a]"),
        ("ok 🙂 한국", "ok ? ??"),
    ],
)
def test_plain_spells_what_phones_type(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_a_message_fits_up_to_its_last_septet() -> None:
    assert fits_sms("a" * 160)
    assert fits_sms("a" * 158 + "€")
    assert not fits_sms("a" * 159 + "€")
    assert not fits_sms("a" * 161)
    assert not fits_sms("ç")


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [
        ("Amina Juma", 10, "Amina Juma"),
        ("Amina Juma", 9, "Amina Ju."),
        ("Amina Juma", 7, "Amina."),
        ("A. J. Said", 6, "A. J."),
        ("Pump (big)", 9, "Pump (bi."),
        ("[old] lamp", 8, "[old]."),
        ("Amina", 1, "."),
        ("", 5, ""),
    ],
)
def test_a_shortened_name_ends_with_a_full_stop(text: str, length: int, expected: str) -> None:
    assert shorten(text, length) == expected


@given(gsm_texts, st.integers(1, 60))
def test_a_shortened_text_has_the_length_and_begins_the_same(text: str, length: int) -> None:
    short, whole = shorten(text, length), plain(text, accents=True)
    assert septets(short) <= length
    assert short == whole or (short.endswith(".") and whole.startswith(short[:-1]))


@given(any_texts)
def test_accents_that_are_kept_cost_nothing(text: str) -> None:
    kept = plain(text, accents=True)
    assert is_gsm(kept) and septets(kept) == septets(plain(text))
    assert plain(kept) == plain(unicodedata.normalize("NFC", text))


def test_accents_are_kept_where_the_alphabet_has_them() -> None:
    assert plain("José à Orléans, Übung, Ñandú, João, reçu", accents=True) == "José à Orléans, Übung, Ñandu, Joao, recu"
    assert plain("Jose\u0301", accents=True) == "José"


@pytest.mark.parametrize("mark", "\u2018\u2019\u201c\u201d\u2013\u2026")
def test_a_curly_mark_changes_no_letter_beside_it(mark: str) -> None:
    """What is typed with it stays in the letters of SMS, and keeps the accents that cost nothing."""
    typed = f"\u00c7a c\u2019est d\u00e9j\u00e0 pay\u00e9{mark}"
    assert is_gsm(straight(typed)) and straight(typed).startswith("\u00c7a c'est d\u00e9j\u00e0 pay\u00e9")
    assert plain(typed, accents=True) == straight(typed)
