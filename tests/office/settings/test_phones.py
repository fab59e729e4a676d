"""Gateway phones at a page: added by a code, seen when they come, paused, renamed, shut out."""

import re

import pytest

from bot.android import linking
from bot.android.from_app import Device
from bot.config import Config
from models.audit import Audit
from models.messages import Phone, Sim
from models.messages.phones import read_sims, write_sims
from models.money.receipt_texts import ReceiptWallet
from models.sql import now_ms
from tests.world.browser import Office, open_office

pytestmark = pytest.mark.everyday_on_sqlite


async def post(office: Office, path: str, **fields: str) -> tuple[int, str]:
    answer = await office.post(path, **fields, csrf=await office.csrf("/settings/phones"))
    return answer.status, answer.headers.get("Location", "") or await answer.text()


async def come(office: Office, code: str) -> None:
    """The handset registers with its code, as the app does."""
    vault = office.mwanga.company.vault
    async with office.mwanga.database.work():
        phone = await linking.by_code(code, vault, now_ms())
        assert phone
        sims = [Sim(1, "", "Vodacom"), Sim(2, "+255620000001", "Halotel")]
        await linking.register(phone, Device("", "Nokia 3", False, sims), "1.67.1", vault, now_ms(), again=False)


async def test_a_phone_is_added_by_a_code_and_seen_when_it_comes(config: Config) -> None:
    async with open_office(config) as office:
        assert "There is no phone yet." in await office.page("/settings/phones")
        status, html = await post(office, "/settings/phones", name="  Shop   phone ")
        [code] = re.findall(r"<dd>(\d{3}) (\d{3})</dd>", html)
        assert status == 200 and '<svg class="qr"' in re.sub(r'<svg [^>]*(class="qr")', r"<svg \1", html)
        assert "style=" not in html and "/smsgate/mobile/v1" in html
        number = (await Phone.get(name="Shop phone")).id
        assert "Waiting for Shop phone" in await (await office.get(f"/settings/phones/{number}/state")).text()
        await come(office, "".join(code))
        state = await (await office.get(f"/settings/phones/{number}/state")).text()
        assert "Shop phone is here." in state and "Vodacom" in state and "<html" not in state
        assert "Halotel" in await office.page("/settings/phones")


async def test_a_phone_is_paused_resumed_renamed_numbered_and_shut_out(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        _status, html = await post(office, "/settings/phones", name="Shop phone")
        await come(office, "".join(re.findall(r"<dd>(\d{3}) (\d{3})</dd>", html)[0]))
        phone = await Phone.get(name="Shop phone")
        at = f"/settings/phones/{phone.id}"
        assert await post(office, f"{at}/pause") == (303, f"{at}?done=pause")
        assert "Paused" in await office.page(at)
        await post(office, f"{at}/resume")
        assert not (await Phone.get(id=phone.id)).paused
        await post(office, f"{at}/sim", place="1", phone="0754 000 111")
        assert read_sims((await Phone.get(id=phone.id)).sims)[0].phone == "+255754000111"
        said = "This SIM card is not in the phone any more."
        assert said in (await post(office, f"{at}/sim", place="9", phone="0754000111"))[1]
        assert (await post(office, f"{at}/sim", place="1", phone="x"))[0] == 422
        await Phone.create(name="Home phone", signing_key="", added_at=now_ms(), sims=write_sims([]))
        assert "Another phone is called Home phone." in (await post(office, f"{at}/rename", name="Home phone"))[1]
        await office.ask("UPDATE officeuser SET language = 'fr'")
        html = (await post(office, f"{at}/rename", name="Home phone"))[1]
        assert "Un autre téléphone s&#39;appelle Home phone." in html, "in the reader's language"
        await post(office, f"{at}/rename", name="Till phone")
        assert (await post(office, f"{at}/unlink"))[0] == 422
        assert await post(office, f"{at}/unlink", sure="yes") == (303, "/settings/phones?done=unlink")
        assert (await office.get(at)).status == 404
        assert (await post(office, f"{at}/pause"))[0] == 404
        done = {(each.actor, each.action) for each in await Audit.filter(action__startswith="phone")}
        assert done == {("admin", f"phone {verb}") for verb in ("code", "pause", "resume", "sim", "rename", "unlink")}


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
async def test_a_name_that_is_none_makes_no_phone(config: Config, name: str) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        assert (await post(office, "/settings/phones", name=name))[0] == 422
        assert not await Phone.exists()


async def test_a_sim_card_is_bound_to_its_operator_and_freed(config: Config) -> None:
    """By the owner, as at the prompt; what is typed wrong binds nothing, and each change is in the log."""
    async with open_office(config) as office:
        await office.sign_in()
        _status, html = await post(office, "/settings/phones", name="Till phone")
        await come(office, "".join(re.findall(r"<dd>(\d{3}) (\d{3})</dd>", html)[0]))
        at = f"/settings/phones/{(await Phone.get(name='Till phone')).id}"
        for wrong, said in (
            ({"operator": "mpesa"}, "Please choose one of the list."),
            ({"balance": "lots"}, "lots is no amount of money"),
            ({"place": "9"}, "This SIM card is not in the phone any more."),
        ):
            status, html = await post(office, f"{at}/bind", **{"operator": "mpesa-tz", "place": "2"} | wrong)
            assert status == 422 and said in html
        assert not await ReceiptWallet.exists()
        given = {"operator": "mpesa-tz", "place": "2", "balance": "12,500.50"}
        assert await post(office, f"{at}/bind", **given) == (303, f"{at}?done=bind")
        wallet = await ReceiptWallet.get()
        assert (wallet.sim, wallet.trusted, wallet.all_balances()) == (2, False, {"main": 1_250_050})
        await post(office, f"{at}/bind", operator="airtel-tz", place="2", trusted="yes")
        page = await office.page(at)
        assert "Texts of airtel-tz to it become payments. Those without a balance too." in page
        assert (await post(office, f"{at}/unbind", place="2"))[1] == f"{at}?done=unbind"
        assert not await ReceiptWallet.exists()
        notes = await Audit.filter(action__startswith="receipts").order_by("id")
        assert [(note.actor, note.action, note.subject, note.detail) for note in notes] == [
            ("admin", "receipts bound", "Till phone SIM 2", "mpesa-tz"),
            ("admin", "receipts bound", "Till phone SIM 2", "airtel-tz, also without a balance"),
            ("admin", "receipts unbound", "Till phone SIM 2", ""),
        ]
