"""Pushes that had ended when their provider said that they are paid, and by no receipt, wait for a person: they are few,
and listed with what is unknown."""

from tortoise import migrations
from tortoise.migrations import operations as ops

PAID_BY_NO_RECEIPT = "state IN ('failed', 'expired') AND code = 'no receipt'"


class Migration(migrations.Migration):
    dependencies = [("models", "0026_sales_of_a_customer")]

    operations = [ops.RunSQL(f"CREATE INDEX payment_request_receipt ON payment_request (id) WHERE {PAID_BY_NO_RECEIPT}")]
