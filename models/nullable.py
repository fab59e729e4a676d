"""For migrations: a column that may be empty from now on."""

from typing import Any

from tortoise.migrations import operations as ops


class AllowNull(ops.AlterField):
    """Drop NOT NULL of a foreign key. On SQLite by editing the schema, which its manual allows for just this
    (lang_altertable, "the second and simpler procedure"): a copy of the table would lose its triggers and what refers
    to it."""

    async def database_forward(self, app_label: str, old_state: Any, new_state: Any, state_editor: Any = None) -> None:
        client, table, column = state_editor.client, self.model_name.lower(), f"{self.name}_id"
        if client.capabilities.dialect != "sqlite":
            await client.execute_script(f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL")
            return
        version = int((await client.execute_query_dict("PRAGMA schema_version"))[0]["schema_version"])
        await client.execute_script("PRAGMA writable_schema = ON")
        await client.execute_query(
            f"""UPDATE sqlite_schema SET sql = replace(sql, '"{column}" INT NOT NULL', '"{column}" INT')
            WHERE type = 'table' AND name = '{table}'"""
        )
        await client.execute_script(f"PRAGMA schema_version = {version + 1}")
        await client.execute_script("PRAGMA writable_schema = OFF")
