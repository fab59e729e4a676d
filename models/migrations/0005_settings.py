"""What the office sets while running."""

from tortoise import migrations


class Migration(migrations.Migration):
    dependencies = [("models", "0004_office_users")]

    operations = []
