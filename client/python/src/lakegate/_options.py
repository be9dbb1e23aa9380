"""Where to connect and as whom: from arguments, profiles and the environment to the driver's options.

Profiles and environment are those of the command line: ``LAKEGATE_URL``, ``LAKEGATE_USER``, ``LAKEGATE_PASSWORD``,
``LAKEGATE_TOKEN``, ``LAKEGATE_TLS_CA``, ``LAKEGATE_PROFILE``. An argument comes first, then a profile that was named,
then the environment, then the default profile. The secret of a profile goes only to that profile's server and for that
profile's user, whatever else is overridden.

A URL that carries a user name or a password is refused, because URLs end up in logs and shell histories; the error
for it does not repeat the URL.
"""

from __future__ import annotations

import ipaddress
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from adbc_driver_flightsql import DatabaseOptions
from adbc_driver_manager import DatabaseOptions as CommonOptions

from ._profile import Profile
from ._profile import find as find_profile

_Value = TypeVar("_Value")

#: Where a server is looked for if neither an argument nor the environment says so.
DEFAULT_URL = "grpc://127.0.0.1:32010"

#: Port of a server when the URL names none.
DEFAULT_PORT = 32010

# A single row can be larger than the driver's limit of 16 MiB. The command line has the same value.
_MAX_MESSAGE_BYTES = 64 * 1024 * 1024

_PLAIN_SCHEMES = ("grpc", "grpc+tcp")
_TLS_SCHEMES = ("grpc+tls", "grpcs")

_PEM_BEGIN = "-----BEGIN "

# Users whose tool has only boxes for user and password put their token into the second one.
_TOKEN_USER = "token"

_HEADER_PREFIX = DatabaseOptions.RPC_CALL_HEADER_PREFIX.value


class PlaintextWarning(UserWarning):
    """Credentials and data travel unencrypted to another machine."""


class Token:
    """A bearer token. Neither ``str`` nor ``repr`` shows it, so that it does not end up in logs.

    >>> Token("abc")
    Token(<secret>)
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Take a token's text.

        :raises ValueError: if it is empty, or could not stand in a header.
        """
        text = text.strip()
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("a token is one word of printable ASCII")
        self._text = text

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Token:
        """Read a token from a file, such as a mounted secret. White space around it does not count."""
        return cls(Path(path).read_text(encoding="ascii"))

    @classmethod
    def from_environment(cls, name: str = "LAKEGATE_TOKEN") -> Token:
        """Read a token from an environment variable.

        :raises KeyError: if the variable is not set.
        """
        return cls(os.environ[name])

    def reveal(self) -> str:
        """Return the text, to hand it to another program."""
        return self._text

    def __repr__(self) -> str:
        return "Token(<secret>)"


@dataclass(frozen=True)
class Address:
    """A server's address, taken apart."""

    host: str
    port: int
    tls: bool

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read ``grpc://host:port`` or, with TLS, ``grpc+tls://host:port``.

        :raises ValueError: for anything else.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError("the URL must be grpc://host:port or grpc+tls://host:port") from None
        if parts.username is not None or parts.password is not None:
            raise ValueError("the URL must not contain a user name or password")
        known = parts.scheme in _PLAIN_SCHEMES + _TLS_SCHEMES
        trailing = parts.path not in ("", "/") or parts.query or parts.fragment
        if not known or not parts.hostname or trailing:
            raise ValueError("the URL must be grpc://host:port or grpc+tls://host:port")
        return cls(parts.hostname, port or DEFAULT_PORT, parts.scheme in _TLS_SCHEMES)

    @property
    def url(self) -> str:
        """The address as the driver understands it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'grpc+tls' if self.tls else 'grpc'}://{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether nothing that is sent leaves this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"


@dataclass(frozen=True)
class Password:
    """A user name with its password."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Tls:
    """Certificates, each as PEM text."""

    ca: str | None = None
    certificate: str | None = None
    key: str | None = field(default=None, repr=False)
    skip_verify: bool = False

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("tls_certificate and tls_key belong together")

    @property
    def is_default(self) -> bool:
        """Whether nothing was said."""
        return self == Tls()


@dataclass(frozen=True)
class Arguments:
    """What the caller says; None is for the profile and the environment to decide."""

    url: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | Token | None = field(default=None, repr=False)
    profile: str | None = None
    tls_ca: str | os.PathLike[str] | None = None
    tls_certificate: str | os.PathLike[str] | None = None
    tls_key: str | os.PathLike[str] | None = field(default=None, repr=False)
    tls_skip_verify: bool = False
    timeout: float | None = None


@dataclass(frozen=True)
class Endpoint:
    """Everything that a login needs to know."""

    address: Address
    credentials: Token | Password
    tls: Tls
    timeout: float | None

    def driver_options(self) -> dict[str, str]:
        """The options of the ADBC driver."""
        # What SET and USE change comes back as a cookie.
        options = {
            DatabaseOptions.WITH_MAX_MSG_SIZE.value: str(_MAX_MESSAGE_BYTES),
            DatabaseOptions.WITH_COOKIE_MIDDLEWARE.value: "true",
        }
        if isinstance(self.credentials, Token):
            options[DatabaseOptions.AUTHORIZATION_HEADER.value] = f"Bearer {self.credentials.reveal()}"
        else:
            options[CommonOptions.USERNAME.value] = self.credentials.user
            options[CommonOptions.PASSWORD.value] = self.credentials.password
        certificates = {
            DatabaseOptions.TLS_ROOT_CERTS: self.tls.ca,
            DatabaseOptions.MTLS_CERT_CHAIN: self.tls.certificate,
            DatabaseOptions.MTLS_PRIVATE_KEY: self.tls.key,
        }
        options |= {option.value: pem for option, pem in certificates.items() if pem is not None}
        if self.tls.skip_verify:
            options[DatabaseOptions.TLS_SKIP_VERIFY.value] = "true"
        return options | _timeout_options(self.timeout)


def endpoint(given: Arguments) -> Endpoint:
    """Complete what was passed with profile and environment, and check it.

    :raises ValueError: if the URL is malformed, credentials are missing or contradict each other, TLS options are
        given for a connection without TLS, or the profile cannot be used.
    :raises OSError: if a file cannot be read.
    """
    named = given.profile or os.environ.get("LAKEGATE_PROFILE") or None
    profile = find_profile(named)

    def pick(argument: _Value | None, of_profile: _Value | None, variable: str | None = None) -> Any:
        environment = (os.environ.get(variable) or None) if variable else None
        order = (of_profile, environment) if named else (environment, of_profile)
        return next((value for value in (argument, *order) if value is not None), None)

    address = Address.parse(pick(given.url, profile and profile.url, "LAKEGATE_URL") or DEFAULT_URL)
    user = pick(given.user, profile and profile.user, "LAKEGATE_USER")
    certificates = _pem(given.tls_certificate), _pem(given.tls_key)
    tls = Tls(_pem(given.tls_ca), *certificates, given.tls_skip_verify)
    if not address.tls and not tls.is_default:
        raise ValueError("TLS options need a URL with TLS: grpc+tls://host:port")
    if address.tls and tls.ca is None and not tls.skip_verify:
        tls = Tls(_pem(pick(None, profile and profile.tls_ca, "LAKEGATE_TLS_CA")), *certificates)
    is_meant = profile is not None and Address.parse(profile.url) == address and profile.user in (None, user)
    found = _credentials(given, user, profile if is_meant else None, is_named=named is not None)
    if not address.tls and not address.is_loopback:
        text = f"the connection to {address.host} is not encrypted: credentials and data can be read on the way"
        warnings.warn(text, PlaintextWarning, stacklevel=3)
    return Endpoint(address, found, tls, pick(given.timeout, profile and profile.timeout))


def _timeout_options(seconds: float | None) -> dict[str, str]:
    """Limits for each call of a query: planning it, fetching its rows."""
    if seconds is None:
        return {}
    if not seconds > 0:
        raise ValueError("a timeout is a number of seconds above zero")
    limited = (DatabaseOptions.TIMEOUT_QUERY, DatabaseOptions.TIMEOUT_FETCH, DatabaseOptions.TIMEOUT_UPDATE)
    return {option.value: str(float(seconds)) for option in limited}


def header_options(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Headers that are sent with every call. gRPC has their names in lower case."""
    return {f"{_HEADER_PREFIX}{name.lower()}": value for name, value in (headers or {}).items()}


def _credentials(given: Arguments, user: str | None, profile: Profile | None, *, is_named: bool) -> Token | Password:
    if given.token is not None:
        if given.user is not None or given.password is not None:
            raise ValueError("either a token, or a user and a password")
        return given.token if isinstance(given.token, Token) else Token(given.token)
    if given.password is not None:
        return _password(user, given.password)
    sources = (_from_profile, _from_environment) if is_named else (_from_environment, _from_profile)
    for source in sources:
        found = source(given, user, profile)
        if found is not None:
            return found
    raise ValueError(
        "no credentials: pass user and password or token, "
        "or set LAKEGATE_USER and LAKEGATE_PASSWORD or LAKEGATE_TOKEN, or use a profile that has them"
    )


def _from_profile(given: Arguments, user: str | None, profile: Profile | None) -> Token | Password | None:
    secret = None if profile is None else profile.secret()
    if secret is None:
        return None
    is_token, text = secret
    return Token(text) if is_token else _password(user, text)


def _from_environment(given: Arguments, user: str | None, profile: Profile | None) -> Token | Password | None:
    token, password = os.environ.get("LAKEGATE_TOKEN"), os.environ.get("LAKEGATE_PASSWORD")
    # A user who was asked for by name does not want to be whoever the token stands for.
    if token and given.user is None:
        return Token(token)
    return None if password is None or not user else _password(user, password)


def _password(user: str | None, password: str) -> Token | Password:
    # RFC 7617 has the colon as the separator between the two.
    if not user or ":" in user:
        raise ValueError("a password needs a user name, without colons")
    return Token(password) if user == _TOKEN_USER else Password(user, password)


def _pem(source: str | os.PathLike[str] | None) -> str | None:
    """PEM text, or the content of the file of that name."""
    if source is None or (isinstance(source, str) and _PEM_BEGIN in source):
        return source
    return Path(source).read_text(encoding="ascii")
