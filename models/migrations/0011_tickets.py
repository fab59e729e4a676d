"""What the office looks for in tickets."""

from tortoise import migrations


class Migration(migrations.Migration):
    dependencies = [("models", "0010_gateway_beats")]

    operations = []
