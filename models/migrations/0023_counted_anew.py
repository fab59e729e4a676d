"""Hand-ins that the office counted anew are counted beside the navigation of each page, among all steps of disputes."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0022_cleared_queues")]

    operations = [ops.RunSQL("CREATE INDEX hand_in_proposed ON hand_in_event (hand_in_id) WHERE step = 'proposed'")]
