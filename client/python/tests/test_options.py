"""Where to connect and as whom. No server is needed."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import lakegate
from lakegate._options import Arguments, Password, endpoint

pytestmark = pytest.mark.usefixtures("no_environment")

LOCAL = "grpc://127.0.0.1:32010"
ENCRYPTED = "grpc+tls://lake.example.com"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

TWO_PROFILES = """
default = "demo"

[profile.demo]
url = "grpc://127.0.0.1:4000"
user = "ann"
password_command = "echo sesame; echo more"

[profile.production]
url = "grpc+tls://lake.example.com"
token_file = "token"
timeout = 300
"""


@pytest.mark.parametrize(
    "url", ["localhost:32010", "http://localhost", "grpc://", "grpc://host:port", "grpc://host/path", "grpc://host?a=b"]
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="grpc://host:port"):
        lakegate.connect(url, "ann", "secret")


def test_a_url_with_a_password_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValueError, match="must not contain") as refused:
        lakegate.connect("grpc://ann:hunter2@localhost", "ann", "secret")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "understood"),
    [
        ("grpc://localhost", "grpc://localhost:32010"),
        ("grpc+tcp://localhost:1", "grpc://localhost:1"),
        ("grpcs://[::1]:1/", "grpc+tls://[::1]:1"),
    ],
)
def test_ports_and_schemes_have_defaults_and_other_names(url: str, understood: str) -> None:
    assert endpoint(Arguments(url, "ann", "secret")).address.url == understood


def test_nothing_given_is_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEGATE_URL", "grpc://localhost:1")
    monkeypatch.setenv("LAKEGATE_USER", "ann")
    monkeypatch.setenv("LAKEGATE_PASSWORD", "secret")
    found = endpoint(Arguments())
    assert (found.address.url, found.credentials) == ("grpc://localhost:1", Password("ann", "secret"))


def test_a_token_of_the_environment_is_not_used_for_a_user_who_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEGATE_TOKEN", "abc")
    monkeypatch.setenv("LAKEGATE_PASSWORD", "secret")
    assert isinstance(endpoint(Arguments(LOCAL)).credentials, lakegate.Token)
    assert endpoint(Arguments(LOCAL, "ann")).credentials == Password("ann", "secret")


@pytest.mark.parametrize("given", [{}, {"user": "ann"}, {"password": "secret"}, {"user": "a:b", "password": "secret"}])
def test_half_a_login_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="user"):
        endpoint(Arguments(LOCAL, **given))  # type: ignore[arg-type]


def test_a_token_beside_a_password_is_refused() -> None:
    with pytest.raises(ValueError, match="either a token"):
        endpoint(Arguments(LOCAL, "ann", "secret", "abc"))


def test_the_user_token_has_a_token_for_a_password() -> None:
    found = endpoint(Arguments(LOCAL, "token", "abc")).credentials
    assert isinstance(found, lakegate.Token)
    assert found.reveal() == "abc"


@pytest.mark.parametrize("text", ["", " ", "two words", "line\nbreak", "ümlaut"])
def test_what_cannot_stand_in_a_header_is_no_token(text: str) -> None:
    with pytest.raises(ValueError, match="printable"):
        lakegate.Token(text)


def test_a_token_is_read_from_a_file_and_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("abc\n")
    monkeypatch.setenv("LAKEGATE_TOKEN", "def")
    assert lakegate.Token.from_file(tmp_path / "token").reveal() == "abc"
    assert lakegate.Token.from_environment().reveal() == "def"


def test_secrets_are_not_shown() -> None:
    shown = [repr(endpoint(Arguments(LOCAL, "ann", "hunter2"))), repr(Arguments(LOCAL, "ann", "hunter2"))]
    shown += [f"{lakegate.Token('hunter2')} {lakegate.Token('hunter2')!r}", repr(Arguments(token="hunter2"))]
    assert not any("hunter2" in text for text in shown)


def test_certificates_are_text_or_files(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(PEM)
    for given in (PEM, tmp_path / "ca.pem", str(tmp_path / "ca.pem")):
        options = endpoint(Arguments(ENCRYPTED, "ann", "secret", tls_ca=given)).driver_options()
        assert options["adbc.flight.sql.client_option.tls_root_certs"] == PEM


def test_mutual_tls_needs_certificate_and_key() -> None:
    options = endpoint(Arguments(ENCRYPTED, "ann", "secret", tls_certificate=PEM, tls_key=PEM)).driver_options()
    assert options["adbc.flight.sql.client_option.mtls_cert_chain"] == PEM
    assert options["adbc.flight.sql.client_option.mtls_private_key"] == PEM
    with pytest.raises(ValueError, match="belong together"):
        endpoint(Arguments(ENCRYPTED, "ann", "secret", tls_certificate=PEM))


def test_servers_are_verified_unless_told_otherwise() -> None:
    option = "adbc.flight.sql.client_option.tls_skip_verify"
    assert option not in endpoint(Arguments(ENCRYPTED, "ann", "secret")).driver_options()
    trusting = endpoint(Arguments(ENCRYPTED, "ann", "secret", tls_skip_verify=True)).driver_options()
    assert trusting[option] == "true"


def test_tls_options_without_tls_are_refused_and_not_ignored() -> None:
    with pytest.raises(ValueError, match="need a URL with TLS"):
        endpoint(Arguments(LOCAL, "ann", "secret", tls_ca=PEM))


def test_a_password_in_clear_text_to_another_machine_is_warned_about() -> None:
    with pytest.warns(lakegate.PlaintextWarning, match=r"lake\.example\.com"):
        endpoint(Arguments("grpc://lake.example.com", "ann", "secret"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        endpoint(Arguments(ENCRYPTED, "ann", "secret"))
        endpoint(Arguments(LOCAL, "ann", "secret"))


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_timeout_is_more_than_nothing(seconds: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        endpoint(Arguments(LOCAL, "ann", "secret", timeout=seconds)).driver_options()


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    file = tmp_path / "lakegate" / "config.toml"
    file.parent.mkdir()
    file.write_text(TWO_PROFILES)
    file.chmod(0o600)
    (file.parent / "token").write_text("abc\n")
    return file


@pytest.mark.usefixtures("profiles")
def test_a_profile_gives_server_user_and_secret() -> None:
    by_default = endpoint(Arguments())
    assert by_default.address.url == "grpc://127.0.0.1:4000"
    assert by_default.credentials == Password("ann", "sesame")
    named = endpoint(Arguments(profile="production"))
    assert (named.address.url, named.timeout) == ("grpc+tls://lake.example.com:32010", 300)
    assert isinstance(named.credentials, lakegate.Token)


@pytest.mark.usefixtures("profiles")
def test_a_named_profile_comes_before_the_environment_and_the_default_one_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAKEGATE_URL", "grpc://127.0.0.1:5000")
    monkeypatch.setenv("LAKEGATE_USER", "bob")
    monkeypatch.setenv("LAKEGATE_PASSWORD", "secret")
    assert endpoint(Arguments()).address.port == 5000
    assert endpoint(Arguments()).credentials == Password("bob", "secret")
    monkeypatch.setenv("LAKEGATE_PROFILE", "demo")
    assert endpoint(Arguments()).address.port == 4000
    assert endpoint(Arguments()).credentials == Password("ann", "sesame")


@pytest.mark.usefixtures("profiles")
@pytest.mark.parametrize("given", [{"url": "grpc://127.0.0.1:4001"}, {"user": "bob"}])
def test_the_secret_of_a_profile_goes_nowhere_else(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="no credentials"):
        endpoint(Arguments(profile="demo", **given))  # type: ignore[arg-type]


def test_a_password_that_others_can_read_is_not_used(profiles: Path) -> None:
    profiles.write_text('[profile.demo]\nurl = "grpc://127.0.0.1"\nuser = "ann"\npassword = "hunter2"\n')
    profiles.chmod(0o640)
    with pytest.raises(ValueError, match="can be read by others") as refused:
        endpoint(Arguments(profile="demo"))
    assert "hunter2" not in str(refused.value)
    profiles.chmod(0o600)
    assert endpoint(Arguments(profile="demo")).credentials == Password("ann", "hunter2")


def test_a_command_that_others_can_write_is_not_run(profiles: Path) -> None:
    profiles.chmod(0o622)
    with pytest.raises(ValueError, match="can be written by others"):
        endpoint(Arguments(profile="demo"))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[profile.demo]\n", "needs a url"),
        ('[profile.demo]\nurl = "grpc://a"\ntls_caa = "x"\n', "tls_caa"),
        ('[profile.demo]\nurl = "grpc://a"\npassword_command = "a"\ntoken_file = "b"\n', "more than one"),
        ('[profile.demo]\nurl = "grpc://a"\npassword_command = "false"\nuser = "ann"', "failed"),
        ("profile = 1\n", "nothing else"),
        ("not toml", "line 1"),
        ('[profile.other]\nurl = "grpc://a"\n', "no profile demo; there are other"),
    ],
)
def test_a_profile_that_cannot_be_used_says_why(profiles: Path, content: str, problem: str) -> None:
    profiles.write_text(content)
    with pytest.raises(ValueError, match=problem):
        endpoint(Arguments(profile="demo"))


def test_a_profile_without_a_file_does_not_exist() -> None:
    with pytest.raises(ValueError, match="there is no file"):
        endpoint(Arguments(profile="demo"))
