"""What people read and are asked: all conversations, and the pages.

TALKS is in the order in which menus, HELP and the card show the conversations: what is needed most often first.
The first six are the first page of an agent's menu in every language; they stay where they are, for people know them by
heart."""

from handlers.account.balance import balance
from handlers.account.cash import cash
from handlers.account.disputes import dispute
from handlers.account.hand_in import cash_in
from handlers.account.help import help_, join, own_help
from handlers.account.language import language
from handlers.account.lock import lock
from handlers.account.pin import pin
from handlers.account.statement import statement_
from handlers.account.stop import start, stop
from handlers.customers.find import customer, find, list_
from handlers.customers.register import register
from handlers.menu import menu
from handlers.selling.buy import buy, pay
from handlers.selling.cash_requests import requests_
from handlers.selling.own_buying import agent_, buying_for_others, own_buying, price_
from handlers.selling.own_wallet import wallet_
from handlers.selling.plan import own_plan, plan
from handlers.selling.sales import sales
from handlers.selling.sell import sell
from handlers.selling.stock import stock
from handlers.selling.tokens import owner_tokens, tokens
from handlers.selling.void import void
from handlers.tickets.fixed import done, fixed
from handlers.tickets.follow import note, status
from handlers.tickets.report import fix, problem

TALKS = (
    buy,
    cash,
    find,
    tokens,
    owner_tokens,
    own_buying,
    buying_for_others,
    register,
    balance,
    fix,
    problem,
    list_,
    sell,
    pay,
    plan,
    own_plan,
    price_,
    agent_,
    status,
    note,
    done,
    fixed,
    statement_,
    sales,
    stock,
    requests_,
    wallet_,
    customer,
    void,
    cash_in,
    dispute,
    stop,
    start,
    pin,
    language,
    lock,
    help_,
    own_help,
    join,
    menu,
)
