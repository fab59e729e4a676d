"""Words and texts that the office gives without a release."""

from tortoise import migrations


class Migration(migrations.Migration):
    dependencies = [("models", "0005_settings")]

    operations = []
