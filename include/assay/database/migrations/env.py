"""What alembic runs for every command: on the connection, and in the transaction, that assay.database.migrate hands over."""

from alembic import context

from assay.database.migrate import comparison_options
from assay.database.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata, **comparison_options())
with context.begin_transaction():
    context.run_migrations()
