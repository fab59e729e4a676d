"""Files that somebody of the office has brought and not yet let count: checked first, then written, or forgotten. Keys
of devices and PINs of agents may be in them, so they are kept sealed."""

import base64

from tortoise import fields
from tortoise.models import Model

from models.sql import now_ms
from models.vault import Sealed, Vault

# Up to $2 that are older than $1 (ms).
FORGET_UPLOADS = """DELETE FROM office_upload WHERE id IN (SELECT id FROM office_upload WHERE created_at < $1
  ORDER BY id LIMIT $2) RETURNING id"""


class OfficeUpload(Model):
    """One file."""

    id = fields.BigIntField(primary_key=True)
    created_at = fields.BigIntField(db_index=True)  # milliseconds
    brought_by = fields.CharField(100)  # who alone may let it count
    kind = fields.CharField(40)  # what its rows are
    name = fields.CharField(200)
    data = fields.BinaryField()  # sealed

    class Meta:
        table = "office_upload"


async def keep_upload(kind: str, name: str, data: bytes, *, vault: Vault, actor: str) -> int:
    """Keep a file, sealed, until its rows are written, or a day has gone; its number."""
    sealed = vault.seal(base64.b64encode(data).decode(), _purpose(kind, actor)).encode()
    row = await OfficeUpload.create(created_at=now_ms(), brought_by=actor, kind=kind, name=name[:200], data=sealed)
    return int(row.id)


async def find_upload(number: int, kind: str, *, actor: str) -> OfficeUpload | None:
    """A file that this person brought, if it is kept still."""
    return await OfficeUpload.get_or_none(id=number, kind=kind, brought_by=actor)


def open_upload(kept: OfficeUpload, vault: Vault) -> bytes | None:
    """What is in a file; None when the secret key is another one since, and it has to be brought again."""
    try:
        return base64.b64decode(vault.open(bytes(kept.data).decode(), _purpose(kept.kind, kept.brought_by)))
    except (Sealed, UnicodeDecodeError):
        return None


def _purpose(kind: str, actor: str) -> str:
    return f"office upload of {kind} by {actor}"


async def take_upload(number: int) -> bool:
    """Forget a file whose rows are about to be written. False for one that is taken already, as by a form that was
    sent twice."""
    return bool(await OfficeUpload.filter(id=number).delete())
