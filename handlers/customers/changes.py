"""The office changes what is known of a customer: name, phone, village, language, gender, position. Each change is in
the audit with what was there before; of two who change one customer at once the second is told."""

from dataclasses import dataclass

from bot.company import Company
from bot.outbound import Composer
from handlers.customers.phone import change_phone
from models.audit import record
from models.people import Customer, MiniGrid, Village
from models.sql import connection, execute, lock_rows
from models.tickets.tickets import hand_back_of

RENAME = "UPDATE customer SET name = $2, surname = $3 WHERE id = $1"
KNOW = "UPDATE customer SET gender = $2 WHERE id = $1"
FIND = "UPDATE customer SET latitude = $2, longitude = $3 WHERE id = $1"
MOVE = "UPDATE customer SET village_id = $2, mini_grid_id = $3 WHERE id = $1"
SPEAK = "UPDATE customer SET language = $2 WHERE id = $1"


class ChangedMeanwhile(Exception):
    """Somebody else changed the customer meanwhile. `now` is what is known by now."""

    def __init__(self, now: "Details") -> None:
        super().__init__(now)
        self.now = now


@dataclass(frozen=True, kw_only=True)
class Details:
    """What the office may change of a customer."""

    name: str
    surname: str
    phone: str | None
    village_id: int | None
    language: str
    gender: str | None = None
    position: tuple[float, float] | None = None  # latitude and longitude, in degrees

    @property
    def version(self) -> str:
        """What a form carries to be compared with what is there when it comes back."""
        who = self.name, self.surname, self.phone or "", str(self.village_id or ""), self.language
        return "\n".join((*who, self.gender or "", say_position(self.position)))


def say_position(position: tuple[float, float] | None) -> str:
    """As maps write it: -6.79235, 39.20833."""
    return f"{position[0]}, {position[1]}" if position else ""


def position_of(customer: Customer) -> tuple[float, float] | None:
    """Latitude and longitude, in degrees."""
    if customer.latitude is None or customer.longitude is None:
        return None
    return customer.latitude, customer.longitude


def details_of(customer: Customer) -> Details:
    return Details(
        name=customer.name,
        surname=customer.surname,
        phone=customer.phone,
        village_id=customer.village_id,
        language=customer.language,
        gender=customer.gender,
        position=position_of(customer),
    )


async def change_customer(
    customer: Customer, wanted: Details, *, seen: str, company: Company, composer: Composer, actor: str
) -> list[str]:
    """Give a customer these details, in the caller's transaction; `Outbox.notify` after its commit. `seen` is the
    version that the form was made of. Returns the names of what is another one now. Raises ChangedMeanwhile."""
    await lock_rows("customer", "id = $1", [customer.id])
    customer = await Customer.get(id=customer.id)
    now = details_of(customer)
    if _plain(now.version) != _plain(seen):
        raise ChangedMeanwhile(now)
    changed = []
    if (now.name, now.surname) != (wanted.name, wanted.surname):
        await execute(connection(), RENAME, [customer.id, wanted.name, wanted.surname])
        await _note(actor, customer, "name", f"{now.name} {now.surname}", f"{wanted.name} {wanted.surname}")
        customer.name, customer.surname = wanted.name, wanted.surname
        changed.append("name")
    if now.village_id != wanted.village_id:
        await _move(customer, wanted.village_id, actor)
        changed.append("village")
    if now.language != wanted.language:
        await execute(connection(), SPEAK, [customer.id, wanted.language])
        await _note(actor, customer, "language", now.language, wanted.language)
        changed.append("language")
        customer.language = wanted.language
    if now.gender != wanted.gender:
        await execute(connection(), KNOW, [customer.id, wanted.gender])
        await _note(actor, customer, "gender", now.gender or "", wanted.gender or "")
        changed.append("gender")
    if now.position != wanted.position:
        await execute(connection(), FIND, [customer.id, *(wanted.position or (None, None))])
        await _note(actor, customer, "position", say_position(now.position), say_position(wanted.position))
        changed.append("position")
    if now.phone != wanted.phone:
        await change_phone(customer, wanted.phone, company=company, composer=composer, actor=actor)
        changed.append("phone")
    return changed


async def _move(customer: Customer, village_id: int | None, actor: str) -> None:
    """To a village of this mini-grid or of another one, whose agents do the work then."""
    village = await Village.get(id=village_id) if village_id else None
    grid = village.mini_grid_id if village else customer.mini_grid_id
    before = await _place(customer.village_id, customer.mini_grid_id)
    await execute(connection(), MOVE, [customer.id, village_id, grid])
    await _note(actor, customer, "village", before, await _place(village_id, grid))
    if grid != customer.mini_grid_id:
        await hand_back_of(customer, actor)


async def _place(village_id: int | None, mini_grid_id: int) -> str:
    village = await Village.get_or_none(id=village_id) if village_id else None
    grid = await MiniGrid.get(id=mini_grid_id)
    return f"{village.name}, {grid.name}" if village else grid.name


async def _note(actor: str, customer: Customer, what: str, before: str, after: str) -> None:
    await record(actor, f"customer {what}", f"customer {customer.id}", old=before, new=after)


def _plain(version: str) -> str:
    """Browsers send other ends of lines than they got."""
    return version.replace("\r\n", "\n").replace("\r", "\n")
