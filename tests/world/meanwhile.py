"""What happens between two messages of a transcript. What stands there as `! verb words` is a method of this name.

What the office does at its desk is done by the functions that its pages call, so whoever is told of it reads it below.
Where two people have to agree the line stands twice, with another name. What the world has more or less of than the
demo world is written into the tables. Money is in shillings.
"""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.company import MobileMoney
from bot.message import Copy
from bot.outbound import by_hand as written_by_hand
from bot.payments import by_hand
from bot.server import Server
from handlers.account.agent_phone import change_agent_phone
from handlers.account.commission import pay_out_commission
from handlers.account.disputes import settle_hand_in
from handlers.account.hand_in import take_hand_in
from handlers.account.new_agent import add_with_pin_by_sms
from handlers.account.office_lock import lock_by_office
from handlers.customers.ownership import pay_claim, retire_device, return_device, swap_device, use_again, write_off
from handlers.customers.phone import change_phone
from handlers.customers.proposals import agree
from handlers.selling.moved import move_by_office
from handlers.selling.void import refuse_by_office, void_by_office
from handlers.selling.wallet import take_top_up
from handlers.tickets import desk
from models.devices import Device, Tariff, with_owner
from models.devices.connections import ConnectionType, SubConnectionType
from models.devices.keys import open_key, seal_key
from models.devices.meters import VENDING_KEY
from models.messages.written import standing_of
from models.money.hand_in import HandIn, hand_in
from models.money.ledger import AccountKind, Posting, post
from models.money.payments import Payment
from models.money.receiving import Incoming, Source, receive
from models.money.wallets import make_prepaid
from models.people import Agent, Customer, OfficeUser, Village, pins
from models.selling import Appliance, Contract, PaymentPlan, Sale, proposals
from models.selling.contracts import contract_numbered
from models.selling.proposals import What
from models.selling.requests import PaymentRequest
from models.settings import Setting, switch_sales
from models.sql import connection, execute, now_ms
from models.tickets import tickets
from tests.world.mobile_money import M_PESA
from tests.world.people import PEOPLE

MINOR = 100  # of a shilling


def _user(name: str) -> OfficeUser:
    return OfficeUser(name=name, password_hash="")


async def _agent(name: str) -> Agent:
    return await Agent.get(phone=PEOPLE[name])


class Meanwhile:
    """What the office or the world does, each in the caller's unit of work."""

    def __init__(self, mwanga: Server) -> None:
        self._mwanga, self._company, self._composer = mwanga, mwanga.company, mwanga.composer

    # How the office is set up.

    def _takes_money_by(self, *known: MobileMoney) -> None:
        object.__setattr__(self._company, "mobile_money", known)

    async def asks_phones(self) -> None:
        """Customers' phones are asked to pay, by M-Pesa."""
        self._takes_money_by(M_PESA)

    async def tells_pay_bill(self, number: str) -> None:
        """The same, and people are told where to pay in the phone's own menu."""
        self._takes_money_by(replace(M_PESA, pay_bill=number))

    async def asks_nobody_but_tells_pay_bill(self, number: str) -> None:
        """No phone of the demo world can be asked: the provider asks other operators' phones."""
        self._takes_money_by(replace(M_PESA, pay_bill=number, prefixes=("+999",)))

    async def tells_till(self, number: str) -> None:
        """The same with a till, which asks for no account."""
        self._takes_money_by(replace(M_PESA, till=number))

    async def sets(self, figure: str, value: str) -> None:
        """Sets a figure of the company."""
        live = self._company.live
        number = int(value) * MINOR if figure == "coin" else int(value)
        live.take(replace(live.figures, **{figure.replace("-", "_"): number}))

    async def cannot_be_dialled(self) -> None:
        """There is no code to dial: everything goes by SMS."""
        object.__setattr__(self._company, "ussd_code", "")

    async def takes_whole_units(self) -> None:
        """No cash is taken that would leave a rest."""
        live = self._company.live
        live.take(replace(live.figures, whole_only=True))

    async def sales(self, state: str) -> None:
        """Switches all sales on or off."""
        await switch_sales(state == "on", actor="grace")

    # What the office does at its desk, about agents.

    async def adds_agent(self, name: str, *mini_grid: str) -> None:
        """A new agent, who gets a PIN by SMS."""
        await add_with_pin_by_sms(
            phone=PEOPLE[name],
            name=name,
            language=self._company.languages[0],
            mini_grid=" ".join(mini_grid),
            cash_limit=50_000 * MINOR,
            company=self._company,
            composer=self._composer,
            actor="grace",
        )

    async def unlock(self, name: str) -> None:
        await pins.unlock(await _agent(name), actor="office")

    async def locks(self, name: str) -> None:
        await lock_by_office(await _agent(name), company=self._company, composer=self._composer, actor="grace")

    async def pays_commission(self, name: str, amount: str) -> None:
        """Pays an agent commission in cash."""
        agent, key = await _agent(name), f"commission {name} {amount}"
        await pay_out_commission(
            *(agent, int(amount) * MINOR, key), company=self._company, composer=self._composer, actor="grace"
        )

    async def cashier(self, name: str) -> None:
        """The agent may count what others hand in."""
        await Agent.filter(phone=PEOPLE[name]).update(cashier=True)

    async def counts(self, name: str, amount: str) -> None:
        """Counts what an agent hands in, and the agent reads it."""
        agent = await _agent(name)
        await take_hand_in(agent, int(amount) * MINOR, company=self._company, composer=self._composer, actor="grace")

    async def settles(self, reference: str, amount: str, by: str) -> None:
        """Says how much was handed in; the second who says the same agrees."""
        entry, minor = await HandIn.get(reference=reference), int(amount) * MINOR
        await settle_hand_in(entry, minor, _user(by), company=self._company, composer=self._composer)

    async def prepaid(self, name: str) -> None:
        """The agent sells from a wallet."""
        await make_prepaid(await _agent(name), "grace")

    async def tops_up(self, name: str, amount: str) -> None:
        """The agent pays into the wallet."""
        agent = await _agent(name)
        await take_top_up(agent, int(amount) * MINOR, company=self._company, composer=self._composer, actor="grace")

    # About sales and money.

    async def voids(self, reference: str, by: str, *reason: str) -> None:
        """Takes a sale back that an agent wants taken back; or one who gives a reason, and another one."""
        sale = await Sale.get(reference=reference)
        await void_by_office(sale, _user(by), " ".join(reason), company=self._company, composer=self._composer)

    async def refuses_void(self, reference: str, by: str) -> None:
        """Lets a sale stand."""
        sale = await Sale.get(reference=reference)
        await refuse_by_office(sale, _user(by), company=self._company, composer=self._composer)

    async def moves(self, reference: str, serial: str, by: str) -> None:
        """A sale is done again for the right device."""
        sale, device = await Sale.get(reference=reference), await with_owner((await Device.get(serial=serial)).id)
        await move_by_office(sale, device, _user(by), company=self._company, composer=self._composer)

    async def parks(self, name: str) -> None:
        """The provider shows no payment for what this phone was asked: the office puts it aside."""
        push = await PaymentRequest.filter(phone=PEOPLE[name]).order_by("-id").first()
        assert push
        await by_hand.park(push, settler=self._mwanga.payments.settler, actor="grace")

    async def pays_out(self, name: str, amount: str, by: str) -> None:
        """Cash out of an agent's wallet, or of a customer's credit: one asks, another one agrees."""
        agent = await Agent.get_or_none(phone=PEOPLE[name])
        whose = agent or await Customer.get(phone=PEOPLE[name])
        if asked := await proposals.find_open(What.PAYOUT if agent else What.CREDIT, whose.id):
            await agree(asked.id, _user(by), company=self._company, composer=self._composer)
            return
        propose = proposals.propose_payout if agent else proposals.propose_credit
        await propose(whose, int(amount) * MINOR, _user(by), "moves away", f"pay out {name} {amount}")

    async def puts_right(self, reference: str, amount: str, by: str) -> None:
        """Another source says this amount of a payment: one asks for it to be booked, and another one agrees."""
        payment, minor = await Payment.get(reference=reference), int(amount) * MINOR
        if asked := await proposals.find_open(What.AMOUNT, payment.id):
            await agree(asked.id, _user(by), company=self._company, composer=self._composer)
            return
        said = Incoming(
            source=Source.QUERY,
            provider=payment.provider,
            reference=reference,
            amount=minor,
            paid_at=datetime.now(UTC),
        )
        await receive(said)
        await proposals.propose_amount(payment, minor, _user(by), "the portal says so", f"amount {reference}")

    async def writes_off(self, number: str, by: str, *reason: str) -> None:
        """One who gives a reason wants to ask no more for a debt, and another one agrees."""
        contract, today = await contract_numbered(number), self._company.today()
        assert contract
        await write_off(
            *(contract, _user(by), " ".join(reason)), today=today, company=self._company, composer=self._composer
        )

    # About devices.

    async def returns(self, serial: str, by: str) -> None:
        """A customer brings a device back."""
        device = await with_owner((await Device.get(serial=serial)).id)
        await return_device(device, _user(by), "moves away", company=self._company, composer=self._composer)

    async def swaps(self, former: str, serial: str, by: str) -> None:
        """Puts a device of the stock in the place of a broken one."""
        broken, device = [await with_owner((await Device.get(serial=each)).id) for each in (former, serial)]
        await swap_device(
            *(broken, device, _user(by), "broken"),
            key=f"swap {former} {serial}",
            company=self._company,
            composer=self._composer,
        )

    async def retires(self, serial: str) -> None:
        """A device is lost, broken or scrapped."""
        device = await with_owner((await Device.get(serial=serial)).id)
        await retire_device(device, _user("grace"), "broken", company=self._company, composer=self._composer)

    async def reuses(self, serial: str) -> None:
        """It is repaired or found."""
        device = await with_owner((await Device.get(serial=serial)).id)
        await use_again(device, _user("grace"), "repaired", company=self._company, composer=self._composer)

    async def transfers(self, serial: str, name: str, by: str) -> None:
        """One wants a device to go to another customer with all that is owed on it, and another one agrees."""
        device, to = await with_owner((await Device.get(serial=serial)).id), await Customer.get(phone=PEOPLE[name])
        if asked := await proposals.find_open(What.TRANSFER, device.id):
            await agree(asked.id, _user(by), company=self._company, composer=self._composer)
            return
        key, today = f"transfer {serial}", self._company.today()
        await proposals.propose_transfer(device, to, _user(by), "sold it on", key, today=today, with_debt=True)

    async def takes_claim(self, name: str, amount: str, by: str) -> None:
        """Takes cash for power that somebody else had paid."""
        customer = await Customer.get(phone=PEOPLE[name])
        means = {"company": self._company, "composer": self._composer}
        await pay_claim(customer, int(amount) * MINOR, _user(by), key=secrets.token_urlsafe(12), **means)

    # To people.

    async def changes_number(self, name: str, other: str) -> None:
        """An agent or a customer has another phone from now on."""
        agent, means = await Agent.get_or_none(phone=PEOPLE[name]), {"composer": self._composer, "actor": "grace"}
        change = change_agent_phone if agent else change_phone
        whose = agent or await Customer.get(phone=PEOPLE[name])
        await change(whose, PEOPLE[other], company=self._company, **means)

    async def closes(self, number: str, by: str, *words: str) -> None:
        """Closes a ticket, and says why."""
        ticket = await tickets.lock_ticket(int(number.removeprefix("K")))
        copies: list[Copy] = list(await desk.close(ticket, self._company, _user(by), " ".join(words)))
        await self._composer.tell(f"ticket {number} step {await tickets.last_step(ticket)}", copies)

    async def writes(self, name: str, *words: str) -> None:
        """Writes to somebody by hand, and the message has left."""
        phone, standing = PEOPLE[name], await standing_of(PEOPLE[name])
        origin = await written_by_hand.write_to(
            *(phone, " ".join(words)),
            key=f"{name} after {standing.last_written}",
            seen=standing.last_written,
            up_to=standing.last_text,
            company=self._company,
            composer=self._composer,
            actor="grace",
        )
        left = "UPDATE outbox SET state = 'sent', sent_at = $1 WHERE origin = $2"
        await execute(connection(), left, [now_ms(), origin])

    # What is otherwise in the world than the demo world has it.

    async def hands_in(self, name: str, amount: str) -> None:
        """The agent hands in so much."""
        await hand_in(await _agent(name), int(amount) * MINOR, "office")

    async def holds(self, name: str, amount: str) -> None:
        """The agent sold this much before."""
        agent = await _agent(name)
        minor = int(amount) * MINOR
        await post(
            f"before {minor}",
            [Posting(AccountKind.CASH, agent.id, minor), Posting(AccountKind.ENERGY, 0, -minor)],
            actor="test",
        )

    async def limit(self, name: str, amount: str) -> None:
        """The agent may hold so much."""
        await Agent.filter(phone=PEOPLE[name]).update(cash_limit=int(amount) * MINOR)

    async def gives_pin(self, name: str) -> None:
        """The agent's PIN is one that the office gave for a day."""
        await Agent.filter(phone=PEOPLE[name]).update(pin_expires_at=datetime.now(UTC) + timedelta(days=1))

    async def reprices(self, item: str, price: str) -> None:
        """Goods cost another price from now on."""
        await Appliance.filter(name=item).update(price=int(price) * MINOR)

    async def offers_nothing(self) -> None:
        """Nothing of the catalogue is sold on any plan."""
        await PaymentPlan.all().delete()

    async def stocks(self, serial: str) -> None:
        """One more solar home system in stock."""
        another, vault = await Device.get(serial="SHS0284"), self._company.vault
        await Device.create(
            serial=serial,
            kind=another.kind,
            issuer=another.issuer,
            sealed_key=seal_key(serial, open_key(another, vault), vault),
            count=1,
            tariff_id=another.tariff_id,
        )

    async def unpriced(self, serial: str) -> None:
        """A device in stock has no price yet."""
        await Device.filter(serial=serial).update(tariff_id=None)

    async def takes_back(self, serial: str) -> None:
        """A device is in stock again."""
        await Device.filter(serial=serial).update(customer_id=None)

    async def count(self, serial: str, tokens: str) -> None:
        """The count of a device's last token."""
        await Device.filter(serial=serial).update(count=int(tokens))

    async def gives(self, serial: str, name: str) -> None:
        """A device gets another owner."""
        owner = await Customer.get(phone=PEOPLE[name])
        await Device.filter(serial=serial).update(customer_id=owner.id)

    async def charges(self, serial: str, amount: str) -> None:
        """The access rate fell due."""
        await Device.filter(serial=serial).update(access_due=int(amount) * MINOR)

    async def least(self, number: str, amount: str) -> None:
        """The smallest payment for goods on a plan, S1002."""
        signed = await contract_numbered(number)
        await Contract.filter(id=signed.id if signed else 0).update(minimum=int(amount) * MINOR)

    async def tariff(self, serial: str, figure: str, value: str) -> None:
        """A figure of the tariff of a device: the recovery in percent, what is money in shillings."""
        device = await Device.get(serial=serial)
        number = int(value) * (1 if figure == "recovery" else MINOR)
        await Tariff.filter(id=device.tariff_id).update(**{figure: number})

    async def shares(self, name: str, other: str) -> None:
        """Two customers use one phone."""
        await Customer.filter(phone=PEOPLE[name]).update(phone=PEOPLE[other])

    async def registers(self, name: str, surname: str, village: str) -> None:
        """A customer without phone and device, as of now."""
        place = await Village.get(name=village)
        await Customer.create(name=name, surname=surname, mini_grid_id=place.mini_grid_id, village=place)

    async def ends_plan(self, item: str, *plan: str) -> None:
        """Goods are sold no more on this plan."""
        await PaymentPlan.filter(appliance__name=item, name=" ".join(plan)).delete()

    async def loses_vending_key(self) -> None:
        """Of meters that are not in stock no key can be made."""
        await Setting.filter(name=VENDING_KEY).delete()

    async def spoils(self, serial: str) -> None:
        """The key that is stored of a device cannot be read."""
        await Device.filter(serial=serial).update(sealed_key="")

    async def adds_sub_types(self, connection_type: str, *names: str) -> None:
        """A connection of this type is of one of these."""
        whole = await ConnectionType.get(name=connection_type)
        await SubConnectionType.bulk_create(SubConnectionType(name=name, type=whole) for name in names)

    async def crowds(self, count: str, village: str) -> None:
        """So many more customers, without phone and device, whose surnames are numbers."""
        place = await Village.get(name=village)
        where = {"mini_grid_id": place.mini_grid_id, "village": place}
        numbers = range(await Customer.all().count(), await Customer.all().count() + int(count))
        await Customer.bulk_create(Customer(name="Mteja", surname=f"N{number}", **where) for number in numbers)

    async def drops_session(self, name: str) -> None:
        """The network says that what this phone dialled is over, and goes on with it all the same."""
        await execute(connection(), "UPDATE ussdsession SET open = FALSE WHERE phone = $1", [PEOPLE[name]])
