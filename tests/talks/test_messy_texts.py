"""What agents really text, and what each text must become: done or asked as meant, or taught so that the next one
succeeds. Never another amount, another device, another command."""

import pytest
import time_machine

from bot.server import Server
from bot.text import SCREEN, septets
from models.people import Agent
from models.sql import connection, execute
from tests.world.people import NOON, PEOPLE, Phones

MONEY = ("payment", "sale", "token", "entry", "line")
SALE = "Sell 5 days for TZS 5,000 to BARAKA P., SHS0283?"
METER = "Sell 5.7 kWh for TZS 2,000 to AMINA J., 04123456784? 5 stays as credit."
HOW = "Sell: BUY SHS0283 {}. Codes: TOKEN SHS0283. Problem: FIX SHS0283"
ONE = "Not sold. One command in each text, please."
REGISTER = "Register HALIMA M., 04123456792"
# By the answer that each text must get, or the beginning of it.
BECOMES = {
    # The sale is asked for: form is forgiven.
    SALE: [
        *("BUY SHS0283 5,000/=", "BUY SHS0283 tsh 5000/=", "BUY SHS0283 5000 please", "Hi, buy SHS0283 5000"),
        *("0283 5000", "5000 0283", "SHS0283 5000", "shs 0283 5000", "SHS0283-5000", "SHS0283: 5000 thanks"),
        *("BUY SHS-0283 5000", "BUY SHS0283-5000", "BUYSHS02835000", "BUYSHS0283 5000", "BUY 5000 0283"),
        *("buy 5000 for shs0283", "BUY SHS0283 = 5000", "\U0001f4a1 BUY SHS0283 5000", "BUY SHS0283 5000 \U0001f64f"),
        *("BUY SHS0283 5000\nAsha Mushi\nMwanga agent Mtwara", "BUY SHS0283 5000 - Asha", "BUY SHS0283 5000 Baraka"),
        *("Fwd: BUY SHS0283 5000", ">> BUY SHS0283 5000", "Baraka says: BUY SHS0283 5000", "Fwd: Hi: buy 0283 5000"),
        *("BUY 2 5000", "BUY #2 5000", "BUY 0710000002 5000", "BUY +255 710 000 002 5000", "buy baraka 5000"),
        *(
            "Buy Baraka Peter 5000",
            "buy peter tsh5,000",
            "BUY SHS0283 5000.00",
            "top-up SHS0283 5000",
            "Top up 0283 5000",
        ),
        *("PAY SHS0283 5000", "PAY Baraka 5000", "PAY S1001 5000", "generate token SHS0283 5000", "TOKEN 0283 5000"),
        *("SELL SHS0283 5000", "SELL 5000 SHS0283", "sell 2 5000", "SELL power 0283 5000", "Vente 5000 SHS0283"),
        *("SELL SHS0283 5,000", "uza 0283 5,000", "sell SHS0283, 5,000", "vendre SHS0283 Tsh5,000/="),
        *("vender SHS0283 5000", "uza umeme SHS0283 5000", "naomba umeme wa 5000 SHS0283", "nunua shs0283 5000 tu"),
        *("LIPA SHS0283 Tsh 5,000/=", "nunua SHS0283 5000 asante", "acheter shs0283 5000 svp", "vendre 5000 a shs0283"),
        *(
            "Bonjour, achat SHS0283 5000",
            "Comprar SHS0283 5.000,00",
            "Bom dia, comprar SHS0283 5000",
            "Saya SHS0283 5000",
        ),
        *("Ina kwana, saya SHS0283 5000", "Sannu don Allah saya 0283 5000", "Habari, naomba kununua: nunua 0283 5000"),
        *("please can you sell power 5000 to 0283", "Kindly buy serial SHS0283 amount 5000", "REJESHO S1001 5000"),
        *("nunulia SHS0283 5000", "recharge SHS0283 5000", "samahani mkuu, nunua shs0283 5000", "uza baraka 5000"),
        *(
            "nunua tena SHS0283 5000",
            "BUY SHS0283 AGAIN 5000",
            "Buy again 5000 baraka please",
            "BUY SHS0283 5000 again",
        ),
        *(
            "0283 5000\nAsha Mushi\nMwanga agent Mtwara",
            "0283 5000 Baraka",
            "0283 5000 again please",
            "5000 0283 - Asha",
        ),
        *("acheter 5000 pour Baraka", "BUY: SHS0283, 5000 tzs", "Buy shs 0283 tsh. 5,000"),
    ],
    METER: ["BUY 0412 345 6784 2000", "Nunua Amina 2000", "6784 2000", "BUY 2000 04123456784", "buy amina juma 2000"],
    # Meaning is not: money is never guessed.
    "Not sold. 5OOO is not clear: write 5000.": ["BUY SHS0283 5OOO"],
    "Not sold. 5,OOO is not clear: write 5000.": ["BUY SHS0283 5,OOO"],
    "Not sold. 50OO0 is not clear: write 50000.": ["BUY SHS0283 50OO0"],
    "Not sold. 5 000 is not clear: write 5000.": ["BUY SHS0283 5 000"],
    "Not sold. 5k is not clear: write 5000.": [
        "BUY SHS0283 5k",
        "Nunua SHS0283 5k",
        "SELL SHS0283 5k",
        "BUY 5k SHS0283",
    ],
    "Not sold. 5mil is not clear: write 5000.": ["BUY SHS0283 5mil"],
    "Not sold. 5usd is not clear: write TZS in digits, like 5000.": ["BUY SHS0283 5usd"],
    "Not sold. SHS1284 is not clear: write TZS": ["BUY SHS0283 SHS1284"],
    "Not sold. 20kwh is not clear: write TZS": ["BUY 6784 20kwh"],
    "Not sold. 8 days is not clear: write TZS": ["BUY SHS0283 8 days"],
    "Not sold. -5000 is not clear: write TZS": ["BUY SHS0283 -5000"],
    "Not sold. buku tano is not clear": ["NUNUA SHS0283 buku tano"],
    "Not sold. 5 000 FCFA is not clear": ["Achat SHS0283 5 000 FCFA"],
    "Not sold. 5000 MT is not clear": ["Bom dia, comprar SHS0283 5000 MT"],
    "Not sold. 5000 naira is not clear": ["biya SHS0283 5000 naira"],
    ONE: [
        *("BUY SHS0283 5000. BUY EB100042 4000", "BUY SHS0283 5000 and EB100042 4000", "BUY SHS0283 5000\nCASH NOW"),
        *("BUY SHS0283 5000\nBUY EB100042 4000", "buy 0283 5000 then token 0283"),
    ],
    "Not sold. 04123456785 not found.": ["BUY 04123456785 2000"],
    "Amount paid?": ["BUY SHS0283", "buy baraka please"],
    # What names a device and is no command: how to write one.
    HOW.format("5000"): [
        "SHS0283 5000 lamps broken",
        "load SHS0283 tsh 5,000/= for 7 days",
        "weka 5000 kwa 0283 wiki 2",
        "bye SHS0283 5000",
        "load SHS0283 5000",
        "nimeuza SHS0283 5000",
    ],
    "Did you mean BUY?": ["Guy SHS0283 5000", "BYU SHS0283 5000"],
    HOW.format("amount"): [
        "7 days SHS0283",
        "SHS0283 12 kwh",
        "SHS0283 3 lamps broken",
        "load SHS0283 3 lamps",
        "SHS0283",
        "Cancel SHS0283",
        "taa ya SHS0283 haiwaki",
        "is 0283 working?",
    ],
    # Registering.
    REGISTER: [
        *("Register Halima Musa 0712345678 meter 04123456792 Mtwara household",),
        *("REG: Halima Musa; 0712345678; meter; 04123456792; Mtwara; household",),
        *("Hello, please register Halima Musa, 0712345678, meter, 04123456792, Mtwara, household. Thanks",),
        *("new customer Halima Musa, 0712345678, meter, 04123456792, Mtwara, household",),
        *("Sajili mteja mpya Halima Musa 0712345678 mita 04123456792 Mtwara household",),
    ],
    "Connection?": [
        *("sajili Halima Musa 0712345678 mita 04123456792 Mtwara",),
        *("inscrire Halima Musa, 0712345678, compteur, 04123456792, Mtwara",),
        *("Registar Halima Musa, 0712345678, contador, 04123456792, Mtwara",),
    ],
    "Not registered. nyumbani": ["sajili Halima Musa, 0712345678, mita, 04123456792, Mtwara, nyumbani"],
    "Not registered. SHS0284": ["REG Halima Musa, 0712345678, SHS0284, Mtwara"],
    "+255710000001 is known. Same person?": ["REG Amina Juma, 0710000001, SHS, SHS0284, Mtwara"],
    "Register HALIMA M., EB100043": ["REG Halima Musa, 0712345678, motorbike, EB100043, Mtwara, en"],
    "Register HALIMA M., SHS0284": ["REG Halima Musa, -, SHS, SHS0284, Mtwara"],
    "Which device?": ["new customer Halima Musa 0712345678"],
    "Name and surname?": ["Sajili mteja mpya", "register new customer", "new customer"],
    # Problems.
    "Problem saved. Ticket K": [
        *("FIX SHS0283 lamp is blinking red, customer angry!!", "Problem with SHS0283 no power", "FIX baraka no light"),
        *("matsala SHS0283 ba wuta", "FIX no power at SHS0283", "Hi, fix 0283 no power please", "Tatizo: 0283 giza"),
    ],
    # What acts at once is not done because somebody else is quoted.
    "Send STOP": ["Baraka says: STOP", "Fwd: STOP", "Fwd: Hi: stop it please"],
    "Send START": ["Baraka says: start"],
    "Send LANG sw": ["Baraka says: lugha sw"],
    "Send DONE number, like DONE K41": ["Baraka says: DONE K1"],
    "Send T number text, like T K41 still dark": ["Fwd: T K1 still dark"],
    # A sentence does nothing: how to write what is wanted.
    "Register\nSend REG name": [
        *("registration of a new household", "how do I add a customer", "nataka kusajili mteja"),
        *("je voudrais ajouter un client", "quero cadastrar um cliente", "ina son yin rijista"),
    ],
    "Void a sale\nSend VOID reference": [
        *("i made a mistake in the sale", "cancel the last sale", "wrong amount sold", "nimekosea kuuza"),
        *("futa mauzo", "rudisha mauzo ya mwisho", "erreur de montant", "enganei-me na venda", "warware kudi"),
    ],
    "Change PIN\nSend PIN old new": [
        *("change my pin", "I forgot my PIN", "badilisha pin", "nimesahau pin", "changer mon pin", "esqueci a senha"),
    ],
    "Statement\nSend STMT day": [
        *("how much did I sell today", "nimeuza shilingi ngapi leo", "combien j'ai vendu aujourd'hui"),
        "quanto vendi hoje",
    ],
    "Ticket status\nSend STATUS number": [
        *("show my tickets", "my open jobs", "tiketi zangu", "mes taches", "minhas tarefas"),
    ],
    # What only reads.
    "You hold TZS 0 of 200,000": ["Cash?", "My cash please", "combien en caisse", "caixa", "Kuɗi nawa", "my balance"],
    "You hold TZS 0 of 200,000. ": [
        *("how much cash do I have", "nina shilingi ngapi", "kamisheni yangu", "combien d'argent j'ai en caisse"),
        *("how much is my commission", "quanto dinheiro tenho"),
    ],
    "No token yet for SHS0283.": ["Token 0283 pls", "TOKEN Baraka", "token 2", "Tokeni ya SHS0283", "Código SHS0283"],
    "Baraka Peter #2, 0710 000 002": [
        *(
            "find baraka",
            "FIND 2",
            "FIND SHS-0283",
            "CUST Baraka",
            "CUST 0710 000 002",
            "CUST 0283",
            "hello, find peter",
        ),
    ],
    "bakara not found. Did you mean Baraka Peter #2?": ["find bakara", "CUST bakara"],
    "S1001 Solar home SHS0283": ["PLAN 2", "PLAN baraka please", "PLAN 0710000002", "my plan 0283"],
    "Customers\n1. Amina Juma": ["orodha", "list please", "LIST customers"],
    "24/11": ["statement", "STMT please"],
    "Sell Radio to BARAKA P.": ["SELL Baraka Radio 3 monthly", "SELL 2 radio cash", "SELL 0283, Radio, cash, thanks"],
    # What the machinery tells of itself.
    "Your PIN?": ["My PIN is 482915"],
    "BUY = sell power.": ["how to sell"],
    "Sell": ["msaada nunua"],
}
TEXTS = [(text, answer) for answer, texts in BECOMES.items() for text in texts]


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.usefixtures("engine")
async def test_each_text_becomes_what_it_must(mwanga: Server) -> None:
    phones, wrong = Phones(mwanga), []
    with time_machine.travel(NOON, tick=False):
        before = await money()
        for text, answer in TEXTS:
            for table in ("contact", "draft"):
                await execute(connection(), f"DELETE FROM {table}", [])
            await Agent.filter(phone=PEOPLE["Asha"]).update(language="en")
            said = next((said for name, said in await phones.text("Asha", text) if name == "Asha"), "")
            assert septets(said) <= SCREEN, said
            if not said.startswith(answer):
                wrong.append(f"{text!r}\n  must become: {answer}\n  became: {said}")
            assert await money() == before, text
    assert not wrong, f"{len(wrong)} of {len(TEXTS)}:\n" + "\n".join(wrong)


async def money() -> list[int]:
    return [(await execute(connection(), f"SELECT COUNT(*) AS n FROM {table}", []))[0]["n"] for table in MONEY]
