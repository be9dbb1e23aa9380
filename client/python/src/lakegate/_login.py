"""Login without a connection: a token that other programs can use."""

from __future__ import annotations

import os

from adbc_driver_manager import AdbcStatusCode, DatabaseError, InternalError, OperationalError, ProgrammingError

from ._options import Arguments, Password, Token, endpoint


def login(
    url: str | None = None,
    user: str | None = None,
    password: str | None = None,
    *,
    profile: str | None = None,
    tls_ca: str | os.PathLike[str] | None = None,
    tls_certificate: str | os.PathLike[str] | None = None,
    tls_key: str | os.PathLike[str] | None = None,
    tls_skip_verify: bool = False,
    timeout: float = 10.0,
) -> Token:
    """Exchange user and password for the bearer token of a new session.

    A token is what to hand to workers and tools instead of the password: it ends by itself, after the time that the
    server is configured for.

    >>> token = lakegate.login("grpc://127.0.0.1:32010", "analyst", "analyst")
    >>> connection = lakegate.connect("grpc://127.0.0.1:32010", token=token)

    :param timeout: seconds to wait for the server.
    :raises ValueError: as :func:`lakegate.connect` does.
    :raises lakegate.Error: if there is no server, or it refuses the login.
    """
    try:
        from pyarrow import flight
    except ImportError:
        raise ImportError("lakegate.login needs a pyarrow that was built with Flight") from None

    target = endpoint(
        Arguments(url, user, password, None, profile, tls_ca, tls_certificate, tls_key, tls_skip_verify, timeout)
    )
    if not isinstance(target.credentials, Password):
        return target.credentials
    tls = {
        "tls_root_certs": target.tls.ca,
        "cert_chain": target.tls.certificate,
        "private_key": target.tls.key,
        "disable_server_verification": target.tls.skip_verify or None,
    }
    options = {name: value for name, value in tls.items() if value is not None}
    try:
        with flight.FlightClient(target.address.url, **options) as client:
            header, value = client.authenticate_basic_token(
                target.credentials.user, target.credentials.password, flight.FlightCallOptions(timeout=timeout)
            )
    except flight.FlightError as error:
        raise _as_database_error(error) from None
    scheme, _, text = value.decode("ascii").partition(" ")
    if header.lower() != b"authorization" or scheme.lower() != "bearer":
        raise InternalError("the server answered the login without a bearer token", status_code=AdbcStatusCode.INTERNAL)
    return Token(text)


def _as_database_error(error: Exception) -> DatabaseError:
    """The exception that the driver itself would have raised."""
    from pyarrow import flight

    text = str(error)
    if isinstance(error, (flight.FlightUnauthenticatedError, flight.FlightUnauthorizedError)):
        return ProgrammingError(text, status_code=AdbcStatusCode.UNAUTHENTICATED)
    if isinstance(error, flight.FlightTimedOutError):
        return OperationalError(text, status_code=AdbcStatusCode.TIMEOUT)
    return OperationalError(text, status_code=AdbcStatusCode.IO)
