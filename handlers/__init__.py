"""The conversations, in the order in which menus show them."""

from handlers.account import balance, cash
from handlers.buy import buy
from handlers.language import language
from handlers.lock import lock
from handlers.menu import help_, menu
from handlers.pin import pin
from handlers.stop import start, stop
from handlers.token import owner_tokens, tokens

TALKS = (buy, tokens, cash, owner_tokens, balance, pin, language, lock, stop, start, help_, menu)
