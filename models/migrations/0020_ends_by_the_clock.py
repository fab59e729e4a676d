"""What ends by the clock is found among all that ended long ago: requests for cash that nobody answered, looked for
each minute, and reservations to be forgotten, looked for each hour."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0019_money_weeks")]

    operations = [
        ops.RunSQL("CREATE INDEX cash_request_asked ON cash_request (expires_at) WHERE state = 'asked'"),
        ops.RunSQL("CREATE INDEX reservation_expires ON reservation (expires_at)"),
    ]
