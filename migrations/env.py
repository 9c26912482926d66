"""How Alembic runs here: on the connection that `service/storage/schema.py` passes in, and inside its transaction."""

from alembic import context
from sqlalchemy.sql.schema import SchemaItem

from service.storage.tables import TABLE_PREFIX, VERSION_TABLE, Table


def _is_ours(item: SchemaItem, name: str | None, kind: str, reflected: bool, compare_to: SchemaItem | None) -> bool:
    return kind != "table" or (name or "").startswith(TABLE_PREFIX)


def _run() -> None:
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Table.metadata,
        version_table=VERSION_TABLE,
        include_object=_is_ours,
        render_as_batch=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


_run()
