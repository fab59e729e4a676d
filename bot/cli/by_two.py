"""What moves money or goods needs two at the prompt as on the pages: one of the office asks for it, and the same
command by another one does it."""

from collections.abc import Awaitable, Callable, Mapping

from bot.cli.prompt import fail
from bot.cli.who import check_role, say_same_person
from bot.server import Server
from handlers.customers.proposals import agree
from models.people import OfficeUser
from models.people.two_people import CASH, SamePerson
from models.selling.proposals import AskedAlready, Decided, Proposal, What, find_open
from models.sql import now_ms


async def ask_or_agree(
    user: OfficeUser,
    server: Server,
    what: What,
    about: int,
    wanted: Mapping[str, object],
    ask: Callable[[str], Awaitable[Proposal]],
) -> bool:
    """Ask for it by `ask`, which gets a key for what it writes down; or agree to what another one asked for about the
    same sale, device or agent, and it is done: True. The command fails where that is not the same as `wanted`, where it
    is the same person, and where who agrees moves no money."""
    found = await find_open(what, about)
    try:
        if found is None:
            await ask(f"prompt {what} {about} {now_ms()}")
            return False
        if any(getattr(found, name) != value for name, value in wanted.items()):
            fail(f"{found.asked_by} asked for something else about it. Say no to that under Money first.")
        check_role(user, CASH)  # whoever may ask for it
        await agree(found.id, user, company=server.company, composer=server.composer)
    except SamePerson as error:
        fail(say_same_person(error))
    except (AskedAlready, Decided):
        fail("Another one of the office was quicker. Look under Money.")
    return True
