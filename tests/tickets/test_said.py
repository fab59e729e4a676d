"""What words say to "is it fixed?": a yes has to be plain, and what speaks for both is asked once more."""

import pytest

from bot.text import normalise
from handlers.tickets.said import only_thanks, says_fixed

NO = """still dark; not fixed; nope; never came; it's not working; doesn't work; No one came; Nobody came yet; not yet
same problem, light is off; it is still broken; my lamp is not working; it isn't fixed; dark again
bado; sio; siyo; hapana bado; haiwaki; bado haijawaka; hajaja mtu; hawajaja; taa haiwaki; haijatengenezwa; giza tupu
problem still there; tatizo halijaisha bado; problem not solved
pas encore; ca ne marche pas; toujours en panne; non toujours noir; personne n'est venu; jamais venu
ainda nao; nao funciona; ninguem veio; continua escuro; avariado
ba ya aiki; babu wuta; har yanzu ba a gyara ba; baya aiki"""
YES = """works now; it works; working now thank you; fixed; Fixed, thanks; it is fixed thank you so much; done
its on now; power is back now; light is on now; all good now
asante imewaka; imepona; imetengenezwa asante; inafanya kazi; iko sawa; umeme umerudi asante; inawaka; tayari
problem solved; tatizo limeisha; tatizo langu limeisha asante
\u00e7a marche; c'est bon merci; r\u00e9par\u00e9; le courant est revenu
funciona; est\u00e1 bom; j\u00e1 funciona obrigado; resolvido; feito; a luz voltou
yana aiki; an gyara; ta gyaru nagode"""
NEITHER = """ok; asante sana; thanks; fine; when will it be fixed; will you come; call me; call me back; please come
good morning; bom dia; habari; token please; I want power; my balance; my agent is good; on monday he came
it was not working but works now; it works but it is dark; si ca marche je dis; kesho atakuja
gyara; a gyara don Allah; K1 fixed; he fixed 2 of them; it will be working tomorrow; half fixed"""
THANKS = "ok; Okay; asante sana; thank you very much; merci beaucoup; obrigado; nagode; sawa; \N{THUMBS UP SIGN}; k"


def each(texts: str) -> list[str]:
    return [text.strip() for line in texts.splitlines() for text in line.split(";")]


@pytest.mark.parametrize("text", each(NO))
def test_a_no(text: str) -> None:
    assert says_fixed(normalise(text)) is False


@pytest.mark.parametrize("text", each(YES))
def test_a_yes(text: str) -> None:
    assert says_fixed(normalise(text)) is True


@pytest.mark.parametrize("text", each(NEITHER))
def test_neither(text: str) -> None:
    assert says_fixed(normalise(text)) is None


@pytest.mark.parametrize("text", each(THANKS))
def test_only_that_it_was_read(text: str) -> None:
    assert only_thanks(normalise(text)) and says_fixed(normalise(text)) is None


@pytest.mark.parametrize("text", ["ok 2", "thank you for nothing", "call me", "1"])
def test_more_than_that(text: str) -> None:
    assert not only_thanks(normalise(text))
