"""Passwords of tests are hashed lightly. A server takes 64 MiB and 50 ms of a core for each, on purpose; hundreds of
tests sign somebody in to see something else."""

from argon2 import PasswordHasher

from models import vault

OF_A_SERVER = vault._PASSWORD_HASHER


def install() -> None:
    """For all that follows in this process. A hash says how it was made: a server in another one checks it as well."""
    vault._PASSWORD_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
