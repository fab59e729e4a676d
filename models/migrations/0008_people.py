"""What the office keeps of people and their devices."""

from tortoise import migrations


class Migration(migrations.Migration):
    dependencies = [("models", "0007_broadcasts")]

    operations = []
