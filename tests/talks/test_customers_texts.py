"""What customers write, in five languages, and what each text must become: half of it from a field study, half made up
after the same kinds. Nothing that they did not mean may come of it."""

import re

import pytest

from bot.server import Server
from models.sql import connection, execute
from tests.world.business import business
from tests.world.people import Phones

# What the answer looks like, by what it does.
ANSWERS = {
    "token": "No token yet for|newest first|Bado hakuna tokeni|mpya kwanza",
    "balance": "Owed |Deni |nothing paid yet|bado hujalipa|Last paid|Malipo ya mwisho",
    "buy": "^How much\\? TZS|^Kiasi gani\\? TZS",
    "wants": "^Buy\\? .* for TZS|^Nunua\\? .* kwa TZS",
    "asked to pay": "Sent to your phone|Imetumwa kwenye simu yako",
    "price": "^[^ ]+: TZS .* (a day|a kWh|kwa kWh)",
    "agent": "Your agent is Asha Mushi|Wakala wako ni Asha Mushi",
    "offer": "^Report '|^Tuma tatizo '",
    "help": "TOKEN = |TOKENI = ",
    "number": "Only the office changes your number|Ofisi tu ndiyo inabadili",
    "thanks": "You are welcome!|Karibu!",
    "hello": "^Hello!|^Habari!",
    "language": "We write in English now|Sasa tunaandika|Nous ecrivons|Agora escrevemos|Yanzu muna",
    "which language": "^Language\\?|^Lugha\\?",
    "stopped": "No more reminders|Hakuna tena vikumbusho|vikumbusho",
    "asked": "What is wrong\\?|Kuna tatizo gani\\?|Tatizo ni nini\\?",
    "saved": "Problem saved|Tatizo limehifadhiwa",
    "plan": "of 156 paid",
    "hint": "Did you mean",
}
DOES = {"language", "stopped", "saved", "asked to pay"}  # what changes something, because the text says so

STUDIED = [
    ("Baraka", "BUY 2000", "asked to pay"),
    ("Baraka", "I want power", "buy"),
    ("Baraka", "topup 2000", "asked to pay"),
    ("Baraka", "I paid 8000", "offer"),
    ("Baraka", "token", "token"),
    ("Baraka", "send me my token", "token"),
    ("Baraka", "I lost my code", "token"),
    ("Baraka", "My code please", "token"),
    ("Baraka", "the code does not work", "offer"),
    ("Baraka", "no power", "offer"),
    ("Baraka", "My lamp is not working", "offer"),
    ("Baraka", "what is my balance?", "balance"),
    ("Baraka", "how much do i owe", "balance"),
    ("Baraka", "debt", "balance"),
    ("Baraka", "Who is my agent", "agent"),
    ("Baraka", "call me", "offer"),
    ("Baraka", "thanks", "thanks"),
    ("Baraka", "STOP it", "stopped"),
    ("Baraka", "SHS0283", "token"),
    ("Baraka", "FIX", "asked"),
    ("Baraka", "problem", "asked"),
    ("Baraka", "Help", "help"),
    ("Baraka", "please help", "help"),
    ("Baraka", "1", "help"),
    ("Baraka", "change my number to 0712000999", "number"),
    ("Baraka", "PLAN", "plan"),
    ("Baraka", "MPESA QGH7XK2 Confirmed. You have paid Tsh8,000 to Mwanga", "offer"),
    ("Amina", "Nataka umeme", "buy"),
    ("Amina", "Nunua 2000", "asked to pay"),
    ("Amina", "lipa", "buy"),
    ("Amina", "Nimelipa lakini sijapata tokeni", "offer"),
    ("Amina", "tokeni yangu", "token"),
    ("Amina", "nimepoteza tokeni", "token"),
    ("Amina", "umeme hakuna", "offer"),
    ("Amina", "Taa haiwaki", "offer"),
    ("Amina", "Tatizo mita haisomi", "saved"),
    ("Amina", "salio", "balance"),
    ("Amina", "nina deni gani", "balance"),
    ("Amina", "Asante sana", "thanks"),
    ("Amina", "nipigie", "offer"),
    ("Amina", "naomba msaada", "help"),
    ("Amina", "kiingereza", "language"),
    ("Amina", "umeme umeisha naomba niongezee kesho nitalipa", "buy"),
    ("Neema", "Bat", "hint"),
    ("Neema", "Tokin", "token"),
    ("Neema", "TOKEN EB100042", "token"),
    ("Neema", "bike stopped", "offer"),
    ("Neema", "jeton", "token"),
    ("Neema", "codigo", "token"),
    ("Neema", "ina lamba ta", "token"),
    ("Neema", "je veux du courant", "buy"),
    ("Neema", "quero comprar energia", "buy"),
    ("Neema", "avaria a bateria não carrega", "saved"),
]
MADE_UP = [
    # English
    ("Baraka", "Hi, please send the token again", "token"),
    ("Baraka", "i deleted the sms with the numbers", "token"),
    ("Baraka", "wheres my code??", "token"),
    ("Baraka", "CODE PLS 🙏", "token"),
    ("Baraka", "how can I buy more days", "buy"),
    ("Baraka", "where do i pay", "buy"),
    ("Baraka", "can i pay 3000 only", "wants"),
    ("Baraka", "my days are finished", "buy"),
    ("Baraka", "I need light for my shop", "buy"),
    ("Baraka", "give me power on credit", "buy"),
    ("Baraka", "how much for one week", "price"),
    ("Baraka", "whats the price now", "price"),
    ("Baraka", "phone number of the agent", "agent"),
    ("Baraka", "agent is where", "agent"),
    ("Baraka", "how many days left", "balance"),
    ("Baraka", "when does it expire", "balance"),
    ("Baraka", "My balance pls", "balance"),
    ("Baraka", "next payment when", "plan"),
    ("Baraka", "the battery is swollen", "offer"),
    ("Baraka", "it is blinking red 3 times", "offer"),
    ("Baraka", "wrong code", "offer"),
    ("Baraka", "code was refused twice", "offer"),
    ("Baraka", "token invalid", "offer"),
    ("Baraka", "I gave Asha 5000 but no code came", "offer"),
    ("Baraka", "still waiting for my token", "offer"),
    ("Baraka", "have not received anything", "offer"),
    ("Baraka", "someone stole my panel", "offer"),
    ("Baraka", "agent cheated me", "offer"),
    ("Baraka", "please send someone to my house", "offer"),
    ("Baraka", "the roof was taken by the storm", "offer"),
    ("Baraka", "good evening sir", "hello"),
    ("Baraka", "OK thank you very much", "thanks"),
    ("Baraka", "how does this work", "help"),
    ("Baraka", "i got a new phone number", "number"),
    ("Baraka", "stop sending messages", "stopped"),
    ("Baraka", "english please", "language"),
    ("Baraka", "0283", "token"),
    ("Baraka", "?", "help"),
    ("Baraka", "hello", "hello"),
    ("Baraka", "8000", "help"),
    ("Baraka", "LAST TOKEN", "token"),
    ("Baraka", "bal SHS0283 thanks", "balance"),
    ("Baraka", "asdfgh", "help"),
    ("Baraka", "SHS 0283", "token"),
    ("Baraka", "i have been waiting since morning", "offer"),
    ("Baraka", "how much have I paid so far", "balance"),
    ("Baraka", "hela yangu imeliwa", "offer"),
    ("Baraka", "money deducted but no token", "offer"),
    ("Baraka", "the voltage is very low", "offer"),
    ("Amina", "umeme umekatika tangu jana usiku", "offer"),
    ("Amina", "umeme unakatika kila saa", "offer"),
    ("Amina", "Umeme umezimika ghafla", "offer"),
    ("Amina", "umeme ni mdogo sana", "offer"),
    ("Amina", "betri inaisha haraka", "offer"),
    ("Amina", "pesa imekatwa lakini hakuna tokeni", "offer"),
    ("Amina", "umeme 5000", "asked to pay"),
    ("Neema", "le courant est parti", "offer"),
    ("Neema", "argent débité sans jeton", "offer"),
    ("Neema", "falta de energia", "offer"),
    ("Neema", "a luz está fraca", "offer"),
    ("Neema", "debitaram o valor e não tenho o código", "offer"),
    ("Neema", "wuta ta tafi", "offer"),
    ("Neema", "an cire kudi ba lamba", "offer"),
    ("Neema", "quanto falta para pagar a energia", "balance"),
    ("Neema", "quero pagar o que falta da energia", "buy"),
    ("Amina", "nipe umeme mdogo tu", "buy"),
    ("Amina", "betri imeisha nataka umeme haraka", "buy"),
    ("Amina", "nina shida ya umeme pesa ngapi", "price"),
    ("Baraka", "how much money do i need for my lamp", "price"),
    ("Baraka", "Code: 123 456 789 rejected", "offer"),
    # Swahili
    ("Amina", "Habari za mchana", "hello"),
    ("Amina", "naomba tokeni yangu ya jana", "token"),
    ("Amina", "nitumie tokeni tena", "token"),
    ("Amina", "nimefuta ujumbe wa tokeni", "token"),
    ("Amina", "Nataka kununua luku ya elfu mbili", "buy"),
    ("Amina", "nalipaje?", "buy"),
    ("Amina", "umeme umekwisha", "buy"),
    ("Amina", "nikopesheni umeme", "buy"),
    ("Amina", "naomba umeme wa 2000", "wants"),
    ("Amina", "bei gani sasa", "price"),
    ("Amina", "unit moja shilingi ngapi", "price"),
    ("Amina", "wakala wangu ni nani", "agent"),
    ("Amina", "namba ya wakala", "agent"),
    ("Amina", "nadaiwa kiasi gani", "balance"),
    ("Amina", "salio langu ni ngapi", "balance"),
    ("Amina", "mita imezima", "offer"),
    ("Amina", "hakuna umeme toka asubuhi", "offer"),
    ("Amina", "tokeni inakataa", "offer"),
    ("Amina", "mita haikubali tokeni", "offer"),
    ("Amina", "waya umeungua moshi unatoka", "offer"),
    ("Amina", "nimetuma pesa kwa wakala", "offer"),
    ("Amina", "pesa imeenda na sijapata umeme", "offer"),
    ("Amina", "Imethibitishwa. Umelipa Tsh2,000 kwa Mwanga", "offer"),
    ("Amina", "naomba mnipigie simu", "offer"),
    ("Amina", "fundi aje nyumbani", "offer"),
    ("Amina", "shukrani", "thanks"),
    ("Amina", "sawa", "thanks"),
    ("Amina", "nisaidieni jamani", "help"),
    ("Amina", "jinsi ya kutumia", "help"),
    ("Amina", "nimebadilisha namba ya simu", "number"),
    ("Amina", "acha kutuma", "stopped"),
    ("Amina", "tokeni 6784", "token"),
    ("Amina", "LUKU", "buy"),
    ("Amina", "mwanga ni hafifu sana usiku", "offer"),
    # French
    ("Neema", "Bonjour", "hello"),
    ("Neema", "je veux mon code svp", "token"),
    ("Neema", "j'ai perdu le code", "token"),
    ("Neema", "comment acheter", "buy"),
    ("Neema", "je voudrais payer 2000", "wants"),
    ("Neema", "le courant est fini", "buy"),
    ("Neema", "c'est combien par jour", "price"),
    ("Neema", "qui est l'agent ici", "agent"),
    ("Neema", "combien je dois encore", "balance"),
    ("Neema", "la moto ne démarre pas", "offer"),
    ("Neema", "le code ne marche pas", "offer"),
    ("Neema", "j'ai payé mais rien reçu", "offer"),
    ("Neema", "rappelez moi svp", "offer"),
    ("Neema", "merci beaucoup", "thanks"),
    ("Neema", "aidez-moi", "help"),
    ("Neema", "j'ai changé de numéro", "number"),
    ("Neema", "français", "language"),
    # Portuguese
    ("Neema", "Bom dia", "hello"),
    ("Neema", "manda o meu código", "token"),
    ("Neema", "perdi o código", "token"),
    ("Neema", "quero recarga de 2000", "wants"),
    ("Neema", "como pagar?", "buy"),
    ("Neema", "a energia acabou", "buy"),
    ("Neema", "quanto custa um dia", "price"),
    ("Neema", "qual é o agente", "agent"),
    ("Neema", "quanto devo", "balance"),
    ("Neema", "não funciona a mota", "offer"),
    ("Neema", "o código não entra", "offer"),
    ("Neema", "paguei e não recebi nada", "offer"),
    ("Neema", "ligue para mim por favor", "offer"),
    ("Neema", "obrigada", "thanks"),
    ("Neema", "preciso de ajuda", "help"),
    ("Neema", "mudei de número", "number"),
    ("Neema", "português", "language"),
    # Hausa
    ("Neema", "Ina kwana", "hello"),
    ("Neema", "lambata ta bata", "token"),
    ("Neema", "a aiko min da lamba", "token"),
    ("Neema", "ina son in sayi wuta", "buy"),
    ("Neema", "wuta ta kare", "buy"),
    ("Neema", "nawa ne farashin rana", "price"),
    ("Neema", "wa ne wakilina", "agent"),
    ("Neema", "saura nawa", "balance"),
    ("Neema", "bashina nawa", "balance"),
    ("Neema", "babur ya tsaya", "offer"),
    ("Neema", "babu wuta", "offer"),
    ("Neema", "lambar ba ta aiki", "offer"),
    ("Neema", "na biya amma ban samu lamba ba", "offer"),
    ("Neema", "ku kira ni", "offer"),
    ("Neema", "na gode", "thanks"),
    ("Neema", "ku taimaka min", "help"),
    ("Neema", "na canza layi", "number"),
    ("Neema", "turanci", "language"),
    ("Neema", "parlez français svp", "language"),
    ("Neema", "fale português por favor", "language"),
    ("Baraka", "I understand swahili only", "language"),
    ("Baraka", "french fries", "which language"),
    ("Baraka", "the portuguese man came", "which language"),
    ("Baraka", "I do not understand english", "which language"),
]


@pytest.mark.parametrize("engine", ["sqlite"])  # what is said does not depend on where it is stored
async def test_customers_are_helped_whatever_they_write(mwanga: Server) -> None:
    phones, wrong = Phones(mwanga), []
    for who, text, wanted in [*STUDIED, *MADE_UP]:
        before = await business()
        said = [message for name, message in await phones.text(who, text) if name == who]
        if len(said) != 1 or not re.search(ANSWERS[wanted], said[0]):
            wrong.append((who, text, wanted, said))
        if await business() != before and wanted not in DOES:
            wrong.append((who, text, "nothing is done", said))
        await execute(connection(), "DELETE FROM contact")  # the next one is written on another day
        await execute(connection(), "DELETE FROM payment_request")
        await execute(connection(), "UPDATE customer SET language = 'sw' WHERE name = 'Amina'")
        await execute(connection(), "UPDATE customer SET language = 'en' WHERE name <> 'Amina'")
    print(*wrong, sep="\n")
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "outcome"),
    [("BUY", "asked already"), ("I want power", "asked already"), ("yes", "unclear"), ("no", "unclear")],
)
async def test_who_wants_to_buy_while_the_phone_asks_to_pay_is_understood(
    mwanga: Server, text: str, outcome: str
) -> None:
    """The office reads of each text whether it was."""
    phones = Phones(mwanga)
    await phones.text("Baraka", "BUY 2000")
    [(_to, answer)] = await phones.text("Baraka", text)
    assert answer.startswith("Your phone asks you already for TZS 2,000"), answer
    [row] = await execute(connection(), "SELECT outcome FROM inbox ORDER BY id DESC LIMIT 1")
    assert row["outcome"] == outcome


async def test_an_amount_is_no_end_of_somebody_elses_serial(mwanga: Server) -> None:
    """Who pays for others pays for what was named, whatever else its number and the amount would name together."""
    await execute(
        mwanga.database.client,
        "UPDATE device SET serial = 'SHS02832000', customer_id = 1 WHERE serial = 'EB100043'",
    )
    [(_name, answer)] = await Phones(mwanga).text("Neema", "BUY SHS0283 2000")
    assert answer == "2 days for TZS 2,000, SHS0283. Sent to your phone: enter your M-Pesa PIN."
