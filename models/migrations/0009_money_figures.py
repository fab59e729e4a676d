"""Figures of money, kept up as things happen."""

from tortoise import migrations


class Migration(migrations.Migration):
    dependencies = [("models", "0008_people")]

    operations = []
