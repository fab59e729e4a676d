"""The conversations, in the order in which menus, HELP and the card show them: what is needed most often comes first.
The first line of a menu stays the first for good: people know it by heart."""

from handlers.account import balance, cash
from handlers.buy import buy
from handlers.customers import customer, find, list_
from handlers.fixed import done, fixed
from handlers.language import language
from handlers.lock import lock
from handlers.menu import help_, menu
from handlers.pay import pay
from handlers.pin import pin
from handlers.plan import own_plan, plan
from handlers.register import register
from handlers.sales import sales
from handlers.sell import sell
from handlers.statement import statement_
from handlers.stock import stock
from handlers.stop import start, stop
from handlers.tickets import fix, note, problem, status
from handlers.token import owner_tokens, tokens

TALKS = (
    buy,
    register,
    sell,
    pay,
    tokens,
    owner_tokens,
    balance,
    find,
    list_,
    customer,
    plan,
    own_plan,
    fix,
    problem,
    status,
    note,
    done,
    fixed,
    cash,
    statement_,
    sales,
    stock,
    stop,
    start,
    pin,
    language,
    lock,
    help_,
    menu,
)
