"""The SQLAlchemy 2 dialect ``lakegate://``.

>>> from sqlalchemy import create_engine
>>> engine = create_engine("lakegate://analyst:analyst@127.0.0.1:32010/sales")

The URL is ``lakegate://user:password@host:port/schema``; the schema is a database of the lake and may be missing.
A token is the password of the user ``token``. The query part may have

=====================  =======================================================
``tls``                ``true`` for a server with TLS
``tls_ca``             file with certificates to trust instead of the machine's own
``tls_certificate``    file with the client's certificate, for mutual TLS
``tls_key``            file with its key
``tls_skip_verify``    ``true`` trusts any server
``token_file``         file with a bearer token, instead of user and password
``timeout``            seconds for each call of a query
=====================  =======================================================

The server only reads: everything that writes or defines is refused with ``NotSupportedError``, and there are no
transactions (the isolation level is ``AUTOCOMMIT``).
"""

from .dialect import LakegateDialect
from .types import MAP, ROW, TINYINT

__all__ = ["MAP", "ROW", "TINYINT", "LakegateDialect"]
