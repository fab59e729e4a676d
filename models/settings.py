"""Whether the secret key is the one that a database was begun with. With another no device key opens, and every PIN is
wrong, which would lock the agents one by one."""

from tortoise import fields
from tortoise.models import Model

from models.vault import Vault

NAME = "secret key"


async def is_ours(vault: Vault) -> bool:
    """Whether this vault's key is the database's own; the first one that asks becomes it. In the caller's unit of
    work."""
    mark = vault.mac("", NAME)
    kept, _new = await Setting.get_or_create({"value": mark}, name=NAME)
    return kept.value == mark


class Setting(Model):
    """What is switched while running (`outgoing`), and what a database is (`demo`)."""

    name = fields.CharField(40, primary_key=True)
    value = fields.CharField(200)
