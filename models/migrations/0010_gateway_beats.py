"""How each gateway was, by the hour."""

from tortoise import migrations


class Migration(migrations.Migration):
    dependencies = [("models", "0009_money_figures")]

    operations = []
