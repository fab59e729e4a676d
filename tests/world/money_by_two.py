"""What the office does with goods and money, as verbs of a life (tests/world/money_life.py): most of it is asked by one
of the office, and done when another one agrees."""

from bot.server import Server
from handlers.customers import proposals as agreeing
from models.devices.tables import Device
from models.money import amounts, claims
from models.money.amounts import doubt_of
from models.money.claims import owed_by
from models.money.ledger import credit_of
from models.money.payments import Payment
from models.money.receiving import Suspense, Why
from models.money.statements import StatementLine
from models.people import Customer, OfficeUser
from models.selling import ownership, proposals, voids
from models.selling.contracts import Contract
from models.selling.proposals import Proposal
from models.selling.sales import Sale
from tests.world.money_life import Verb


def agrees(nth: int, by: str) -> Verb:
    """Another one of the office agrees to what waits."""

    async def verb(at: Server) -> None:
        if found := await nth_proposal(nth):
            user = await OfficeUser.get(name=by)
            await agreeing.agree(found.id, user, company=at.company, composer=at.composer)

    return verb


def refuses(nth: int, by: str) -> Verb:
    async def verb(_at: Server) -> None:
        if found := await nth_proposal(nth):
            await proposals.refuse(found.id, await OfficeUser.get(name=by))

    return verb


def wants_transfer(key: str, serial: str, customer: int, by: str, *, with_debt: bool) -> Verb:
    """A device shall go to another customer."""

    async def verb(at: Server) -> None:
        device, to = await Device.get(serial=serial), await Customer.get(id=customer)
        user, today = await OfficeUser.get(name=by), at.company.today()
        await proposals.propose_transfer(device, to, user, "she moved away", key, today=today, with_debt=with_debt)

    return verb


def wants_credit_out(key: str, customer: int, percent: int, by: str) -> Verb:
    """A customer shall get credit in cash."""

    async def verb(_at: Server) -> None:
        amount = await credit_of(customer) * percent // 100
        user = await OfficeUser.get(name=by)
        await proposals.propose_credit(await Customer.get(id=customer), amount, user, "moved away", key)

    return verb


def wants_amount(key: str, nth: int, which: int, by: str) -> Verb:
    """Somebody found out which of two amounts of a payment is right: what its statement says, where it has a line."""

    async def verb(_at: Server) -> None:
        payment = await nth_in_doubt(nth)
        doubt = await doubt_of(payment) if payment else None
        if payment is None or doubt is None:
            return
        line = await StatementLine.get_or_none(payment_id=payment.id, direction="in")
        others = [amount for amount in doubt.said if amount != doubt.booked]
        right = line.amount if line else others[which % len(others)] if others else doubt.booked
        await proposals.propose_amount(payment, right, await OfficeUser.get(name=by), "the portal says so", key)

    return verb


def puts_right(key: str, nth: int, which: int) -> Verb:
    """One after the other, both say which of two amounts is right."""

    async def verb(at: Server) -> None:
        await wants_amount(key, nth, which, "rehema")(at)
        if found := await Proposal.get_or_none(key=key, state="asked"):
            user = await OfficeUser.get(name="zuberi")
            await agreeing.agree(found.id, user, company=at.company, composer=at.composer)

    return verb


def takes_back(nth: int) -> Verb:
    """Both want a sale void that was paid by phone."""

    async def verb(at: Server) -> None:
        found = await Sale.filter(agent_id=None).order_by("id")
        if found:
            sale, today = found[nth % len(found)], at.company.today()
            for name in ("rehema", "zuberi"):
                await voids.approve(sale, await OfficeUser.get(name=name), "wrong device", today=today)

    return verb


def let_stand(nth: int) -> Verb:
    """The amount in the books is right, where no statement says another one."""

    async def verb(_at: Server) -> None:
        payment = await nth_in_doubt(nth)
        if payment and not await StatementLine.exists(payment_id=payment.id, direction="in"):
            await amounts.let_stand(payment, "the portal says so", actor="rehema")

    return verb


def brings_back(serial: str) -> Verb:
    """A customer brings a device back: it is in stock again."""

    async def verb(at: Server) -> None:
        device, by = await Device.get(serial=serial), await OfficeUser.get(name="rehema")
        await ownership.give_back(device, by, "too dear", at.company.today())

    return verb


def writes_off_debt(nth: int, by: str) -> Verb:
    """One proposes to ask no more for what is open on a contract, or another one agrees."""

    async def verb(at: Server) -> None:
        found = await Contract.all().order_by("id")
        user = await OfficeUser.get(name=by)
        await ownership.write_off(found[nth % len(found)], user, "nobody is there", at.company.today())

    return verb


def writes_off_claim(customer: int, by: str) -> Verb:
    async def verb(_at: Server) -> None:
        if await owed_by(customer):
            whose, user = await Customer.get(id=customer), await OfficeUser.get(name=by)
            await claims.write_off(whose, user, "nobody is there")

    return verb


async def nth_proposal(nth: int) -> Proposal | None:
    found = await proposals.open_proposals(50)
    return found[nth % len(found)] if found else None


async def nth_in_doubt(nth: int) -> Payment | None:
    found = await Suspense.filter(why=Why.AMOUNTS.value, closed_at=None).order_by("id")
    return await Payment.get(id=found[nth % len(found)].payment_id) if found else None
