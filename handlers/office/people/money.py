"""A customer's money at the customer's page: the statement as a file, and cash for credit that nothing needs."""

from aiohttp import web

from bot.server import SERVER
from handlers.customers.statement import statement_kind
from handlers.exchange.dates import ALWAYS
from handlers.office.frame.lists import send_csv
from handlers.office.frame.page import redirect
from handlers.office.frame.routes import ALL, CASH, USER, Nav, office_page
from handlers.office.money.doing import do, key_of
from handlers.office.people.person import ONE, CreditForm, draw, find_customer
from models.selling.proposals import propose_credit


@office_page(f"{ONE}/statement.csv", roles=ALL, nav=Nav.PEOPLE)
async def save(request: web.Request) -> web.StreamResponse:
    """All that the customer paid, as a file: a row for each payment."""
    customer = await find_customer(request)
    kind = statement_kind(customer)
    rows = kind.rows(request.app[SERVER].company, ALWAYS)
    return await send_csv(request, f"statement-{customer.id}", kind.columns, rows)


@office_page(f"{ONE}/credit", "POST", roles=CASH, nav=Nav.PEOPLE)
async def pay_out(request: web.Request) -> web.StreamResponse:
    """Ask another one of the office to pay cash out of the customer's credit."""
    customer, form = await find_customer(request), CreditForm.of(request)
    if not form.validate():
        return await draw(request, customer, 422, credit_form=form)

    async def work() -> None:
        await propose_credit(
            customer, int(form.amount.data or 0), request[USER], str(form.reason.data), key_of(request)
        )

    if problem := await do(request, work):
        return await draw(request, customer, 422, problem=problem, credit_form=form)
    raise redirect(f"/people/{customer.id}?done=proposed")
