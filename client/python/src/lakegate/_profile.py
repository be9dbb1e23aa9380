"""Profiles: names for servers, in the file that the command line has too.

The file is ``LAKEGATE_CONFIG``, or ``lakegate/config.toml`` in the user's configuration folder. A password is taken
only from a file that nobody else can read, a command only from one that nobody else can write. No error repeats the
content of the file.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_TEXTS = ("url", "user", "tls_ca", "password", "password_command", "token_file", "token_command")
_SECRETS = ("password", "password_command", "token_file", "token_command")

_OTHERS_READ_OR_WRITE = 0o077
_OTHERS_WRITE = 0o022


@dataclass(frozen=True)
class Profile:
    """A server and how to log in to it."""

    name: str
    url: str
    user: str | None
    tls_ca: Path | None
    timeout: float | None
    _folder: Path
    _secret: tuple[str, str] | None = field(repr=False)

    def secret(self) -> tuple[bool, str] | None:
        """Whether it is a token, and the password or token. May run a command, which may ask the user something.

        :raises ValueError: if the command fails or prints nothing.
        :raises OSError: if the token's file cannot be read.
        """
        if self._secret is None:
            return None
        source, value = self._secret
        is_token = source.startswith("token")
        if source == "password":
            return is_token, value
        if source == "token_file":
            return is_token, _beside(self._folder, value).read_text(encoding="ascii")
        return is_token, self._output_of(value)

    def _output_of(self, command: str) -> str:
        """The first line that a command prints. Whoever can write the file decides what is run: that was checked."""
        ended = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, check=False)
        if ended.returncode != 0:
            raise ValueError(f"the command of profile {self.name} failed with status {ended.returncode}")
        lines = ended.stdout.decode(errors="strict").splitlines()
        if not lines or not lines[0]:
            raise ValueError(f"the command of profile {self.name} printed no text")
        return lines[0]


def find(name: str | None) -> Profile | None:
    """The profile of that name; without a name the default one, if the file names one.

    :raises ValueError: if there is no such profile, or the file may not be used as it is.
    :raises OSError: if the file cannot be read.
    """
    path, is_given = _path()
    if not is_given and not path.exists():
        if name is None:
            return None
        raise ValueError(f"no profile {name}: there is no file with profiles")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}") from None
    profiles = _profiles(path, content)
    _check_access(path, profiles)
    wanted = content.get("default") if name is None else name
    if wanted is None:
        return None
    if wanted not in profiles:
        raise ValueError(f"no profile {wanted}; there are {', '.join(profiles) or 'none'}")
    return _read(wanted, profiles[wanted], path.parent)


def _path() -> tuple[Path, bool]:
    named = os.environ.get("LAKEGATE_CONFIG")
    if named:
        return Path(named), True
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or "")
    # The XDG Base Directory Specification has relative paths ignored.
    base = folder if folder.is_absolute() else Path.home() / ".config"
    return base / "lakegate" / "config.toml", False


def _profiles(path: Path, content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The entries, after a check that nothing is there which has no meaning: it might be a misspelt ``tls_ca``."""
    profiles: dict[str, dict[str, Any]] = content.get("profile", {})
    tables = isinstance(profiles, dict) and all(isinstance(entry, dict) for entry in profiles.values())
    default = content.get("default", "")
    if set(content) - {"default", "profile"} or not tables or not isinstance(default, str):
        raise ValueError(f"{path}: there is a default and there are tables [profile.name], nothing else")
    for name, entry in profiles.items():
        unknown = set(entry) - {*_TEXTS, "timeout"}
        if unknown:
            raise ValueError(f"{path}: profile {name} has {', '.join(sorted(unknown))}, which is not known")
        if not isinstance(entry.get("url"), str) or not all(isinstance(entry.get(key, ""), str) for key in _TEXTS):
            raise ValueError(f"{path}: profile {name} needs a url, and texts in all but timeout")
    return profiles


def _check_access(path: Path, profiles: dict[str, dict[str, Any]]) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    # Who can read a file cannot be told where there are no modes.
    exposed = os.name != "posix" or mode & _OTHERS_READ_OR_WRITE
    if exposed and any("password" in entry for entry in profiles.values()):
        raise ValueError(f"{path} holds a password and can be read by others")
    commands = any({"password_command", "token_command"} & set(entry) for entry in profiles.values())
    if os.name == "posix" and mode & _OTHERS_WRITE and commands:
        raise ValueError(f"{path} names a command and can be written by others")


def _read(name: str, entry: dict[str, Any], folder: Path) -> Profile:
    secrets = [(source, entry[source]) for source in _SECRETS if source in entry]
    if len(secrets) > 1:
        raise ValueError(f"profile {name} has more than one of {', '.join(_SECRETS)}")
    return Profile(
        name=name,
        url=entry["url"],
        user=entry.get("user"),
        tls_ca=_beside(folder, entry["tls_ca"]) if "tls_ca" in entry else None,
        timeout=entry.get("timeout"),
        _folder=folder,
        _secret=secrets[0] if secrets else None,
    )


def _beside(folder: Path, path: str) -> Path:
    """A path beside the file, or below the home folder if it begins with ``~``."""
    return folder / Path(path).expanduser()
