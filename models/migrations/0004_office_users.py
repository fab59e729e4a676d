"""Roles, sessions, second factors and invitations of who signs in to the office."""

from tortoise import migrations


class Migration(migrations.Migration):
    dependencies = [("models", "0003_closed_days")]

    operations = []
