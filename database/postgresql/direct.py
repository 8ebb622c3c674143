"""The server itself instead of the pooler in front of it, for a migration."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.utils import ConnectionHandler


@contextmanager
def directly(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Let this thread connect by DATABASE_DIRECT_URL, if there is one, until the block ends.

    A migration then keeps a session: it can build an index outside a transaction without the
    limits of the role, and takes none of the pooler's connections.
    """
    if not settings.DATABASE_DIRECT or using != DEFAULT_DB_ALIAS:
        yield
        return
    server = ConnectionHandler({using: settings.DATABASE_DIRECT})
    pooled = connections[using]
    pooled.close()
    connections[using] = direct = server.create_connection(using)
    try:
        yield
    finally:
        direct.close()
        connections[using] = pooled
