"""Words that the office puts on customers, to find and to write to all who have one."""

from collections.abc import Sequence

from tortoise import fields
from tortoise.models import Model

from models.audit import record
from models.names import folded
from models.people import Customer
from models.sql import connection, execute, marks

LONGEST = 30  # characters of a tag
MOST = 10  # tags of one customer
MOST_LISTED = 100
ADD = "INSERT INTO customer_tag (tag, customer_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id"
REMOVE = "DELETE FROM customer_tag WHERE tag = $1 AND customer_id = $2 RETURNING id"
OF = "SELECT customer_id, tag FROM customer_tag WHERE customer_id IN ({}) ORDER BY tag"
# From one tag to the next by the index: what there are of them costs the same however many customers have them.
KNOWN = f"""WITH RECURSIVE known (tag) AS (SELECT MIN(tag) FROM customer_tag UNION ALL
  SELECT (SELECT MIN(t.tag) FROM customer_tag t WHERE t.tag > known.tag) FROM known WHERE known.tag IS NOT NULL)
  SELECT tag FROM known WHERE tag IS NOT NULL LIMIT {MOST_LISTED}"""


class CustomerTag(Model):
    """One tag of one customer."""

    id = fields.BigIntField(primary_key=True)
    tag = fields.CharField(LONGEST)  # in small letters without accents
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField("models.Customer", on_delete=fields.RESTRICT)
    customer_id: int

    class Meta:
        table = "customer_tag"
        unique_together = (("tag", "customer"),)
        indexes = (("customer_id",),)


class TooManyTags(Exception):
    """The customer has as many as one may have."""


def tidy_tag(text: str) -> str:
    """A tag as it is kept: small letters without accents, single spaces; empty for one that has no letter or digit."""
    tag = folded(text.replace("#", " "))[:LONGEST].strip()
    return tag if any(map(str.isalnum, tag)) else ""


async def add_tag(customer: Customer, tag: str, actor: str) -> bool:
    """Put a tag, as `tidy_tag` writes it, on a customer, in the caller's transaction. False: it is there already.
    Raises TooManyTags."""
    known = (await tags_of([customer.id]))[customer.id]
    if tag in known:
        return False
    if len(known) >= MOST:
        raise TooManyTags(customer.id)
    if not await execute(connection(), ADD, [tag, customer.id]):
        return False
    await record(actor, "customer tag", f"customer {customer.id}", f"+ {tag}")
    return True


async def remove_tag(customer: Customer, tag: str, actor: str) -> bool:
    """Take a tag off a customer, in the caller's transaction. False: it is not there."""
    if not await execute(connection(), REMOVE, [tag, customer.id]):
        return False
    await record(actor, "customer tag", f"customer {customer.id}", f"- {tag}")
    return True


async def tags_of(customers: Sequence[int]) -> dict[int, list[str]]:
    """The tags of each of these customers, by customer number."""
    found: dict[int, list[str]] = {number: [] for number in customers}
    if found:
        for row in await execute(connection(), OF.format(marks(len(found))), list(found)):
            found[int(row["customer_id"])].append(row["tag"])
    return found


async def known_tags() -> list[str]:
    """All tags that somebody has, in their order."""
    return [row["tag"] for row in await execute(connection(), KNOWN)]
