"""Pushes that have failed or expired and of which their provider has news are looked up once more: which they are is
asked each second."""

from tortoise import migrations
from tortoise.migrations import operations as ops

ENDED = "state IN ('failed', 'expired') AND look_at > 0"


class Migration(migrations.Migration):
    dependencies = [("models", "0023_counted_anew")]

    operations = [ops.RunSQL(f"CREATE INDEX payment_request_news ON payment_request (look_at, id) WHERE {ENDED}")]
