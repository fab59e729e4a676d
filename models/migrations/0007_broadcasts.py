"""What the office writes to many."""

from tortoise import migrations


class Migration(migrations.Migration):
    dependencies = [("models", "0006_words")]

    operations = []
