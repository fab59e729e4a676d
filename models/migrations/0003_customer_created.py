"""When a customer was registered, and the indexes behind an agent's lists and searches."""

from typing import Any

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from models.people.tables import now


async def index_customers(_apps: object, editor: Any) -> None:
    """Lists go by name in a mini-grid or a village, searches by the beginning of a name or the end of a phone.

    Names are compared byte by byte with small ASCII letters on both engines: PostgreSQL's own order depends on
    the locale and serves no prefix. Devices had no index by owner.
    """
    sqlite = editor.client.capabilities.dialect == "sqlite"
    name, surname = ("lower(name)", "lower(surname)")
    if not sqlite:
        name, surname = ('lower(name COLLATE "C")', 'lower(surname COLLATE "C")')
    tail = "substr(phone, -4)" if sqlite else "right(phone, 4)"
    for index, columns in {
        "customer_name ON customer": f"mini_grid_id, ({name}), ({surname}), id",
        "customer_surname ON customer": f"mini_grid_id, ({surname}), id",
        "customer_village ON customer": f"village_id, ({name}), ({surname}), id",
        "customer_created ON customer": "mini_grid_id, created_at, id",
        "customer_phone_tail ON customer": f"mini_grid_id, ({tail})",
        "device_customer ON device": "customer_id, kind",
    }.items():
        await editor.client.execute_script(f"CREATE INDEX {index} ({columns})")


class Migration(migrations.Migration):
    dependencies = [("models", "0002_guarantees")]
    operations = [
        ops.AddField(
            model_name="Customer",
            name="created_at",
            field=fields.DatetimeField(null=True, default=now, auto_now=False, auto_now_add=False),
        ),
        ops.RunPython(index_customers),
    ]
