"""Events in a phone's name that another key had signed."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0009_hand_in")]
    operations = [
        ops.AddField(model_name="Phone", name="wrong_signatures", field=fields.IntField(default=0, db_default=0)),
        ops.AddField(model_name="Phone", name="wrong_signature_at", field=fields.BigIntField(default=0, db_default=0)),
    ]
