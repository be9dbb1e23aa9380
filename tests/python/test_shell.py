"""The shell of the command line as a person uses it: at a terminal, against the real server and the sample lake.

The terminal is a pseudo-terminal of the standard library; what the shell prints is read as it comes, until the text
that a test waits for is there. No test depends on how long something takes.
"""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import stat
import struct
import subprocess
import termios
import time
from fcntl import ioctl
from pathlib import Path

import pytest

URL = os.environ.get("LAKEGATE_URL")
BINARIES = os.environ.get("LAKEGATE_BINARIES")

pytestmark = pytest.mark.skipif(
    not URL or not BINARIES, reason="LAKEGATE_URL and LAKEGATE_BINARIES name no running server and no programs"
)

USER = "analyst"
PROMPT = "lakegate> "
SECONDS_TO_ANSWER = 60

# A query that takes far longer than any test: a cross join of a cross join.
ENDLESS = (
    "select count(*) from sales.lineitem a, sales.lineitem b, sales.lineitem c "
    "where a.l_orderkey + b.l_orderkey + c.l_orderkey = -1;"
)

ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[a-zA-Z]|\][^\x07]*\x07|[=>])")
KEY_UP, KEY_TAB, CTRL_C, CTRL_D, CTRL_R = "\x1b[A", "\t", "\x03", "\x04", "\x12"


def program() -> str:
    return str(Path(BINARIES) / "lakegate")


def environment(folder: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TERM": "xterm",
        "LAKEGATE_URL": URL,
        "LAKEGATE_USER": USER,
        "LAKEGATE_PASSWORD": USER,
        "LAKEGATE_HISTORY": str(folder / "history"),
        "PAGER": "cat",
        "NO_COLOR": "1",
    } | more


class Terminal:
    """A program at a terminal of 24 lines and 80 columns."""

    def __init__(self, *arguments: str, folder: Path, **more: str) -> None:
        self.master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.child = subprocess.Popen(
            [program(), *arguments], stdin=slave, stdout=slave, stderr=slave, cwd=folder,
            env=environment(folder, **more), preexec_fn=self.become_owner,
        )  # fmt: skip
        os.close(slave)
        self.text = ""

    @staticmethod
    def become_owner() -> None:
        """Makes the terminal the one that sends Ctrl-C to the program."""
        os.setsid()
        ioctl(0, termios.TIOCSCTTY, 0)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        os.close(self.master)

    def send(self, text: str) -> None:
        os.write(self.master, text.encode())

    def enter(self, line: str) -> None:
        self.send(line + "\r")

    def read(self, seconds: float) -> bool:
        """Reads what is there, after waiting for it; whether there was something."""
        readable, _, _ = select.select([self.master], [], [], max(0, seconds))
        try:
            chunk = os.read(self.master, 65536) if readable else b""
        except OSError:  # Linux reports a terminal without programs as an error.
            chunk = b""
        # A carriage return moves the cursor, as the escape sequences do; lines end with a line feed.
        self.text += ESCAPES.sub("", chunk.decode(errors="replace")).replace("\r", "")
        return bool(chunk)

    def wait_for(self, wanted: str) -> str:
        """Reads until the text is there; returns everything up to its end, and forgets that."""
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        while wanted not in self.text:
            assert self.read(deadline - time.monotonic()), f"{wanted!r} did not come, but only:\n{self.text}"
        end = self.text.index(wanted) + len(wanted)
        seen, self.text = self.text[:end], self.text[end:]
        return seen

    def appears(self, wanted: str) -> bool:
        """Whether the text comes before the terminal is silent for a moment."""
        while wanted not in self.text:
            if not self.read(1):
                return False
        return True

    def ask(self, line: str) -> str:
        """Enters a line that fits the terminal, and returns what comes before the next prompt."""
        self.enter(line)
        self.wait_for("\n")
        self.text = "\n" + self.text  # It may stand right before the next prompt.
        return self.wait_for("\n" + PROMPT)

    def end(self) -> int:
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        while self.child.poll() is None and time.monotonic() < deadline:
            self.read(0.05)
        return self.child.wait(1)


@pytest.fixture
def shell(tmp_path):
    with Terminal(folder=tmp_path) as terminal:
        terminal.wait_for(PROMPT)
        yield terminal


def test_it_greets_and_leaves_with_success(tmp_path):
    for farewell in ("\\q\r", "exit\r", CTRL_D):
        with Terminal(folder=tmp_path) as terminal:
            greeting = terminal.wait_for(PROMPT)
            assert f"at {URL} as {USER}." in greeting and "\\? is help" in greeting
            terminal.send(farewell)
            assert terminal.end() == 0


def test_a_statement_may_have_several_lines_and_ends_with_a_semicolon(shell):
    shell.enter("select n_name, n_regionkey")
    shell.enter("from sales.nation -- not yet;")
    shell.enter("where n_name = 'FRANCE';")
    shell.wait_for("FRANCE |           3\n")
    shell.wait_for("1 row\n")


def test_several_statements_on_a_line_are_run_one_after_the_other(shell):
    shell.enter("select 'one' as a; select 'two;' as b;")
    shell.wait_for("one")
    shell.wait_for("two;\n")
    shell.wait_for(PROMPT)


def test_the_catalog_is_browsed_with_commands(shell):
    assert "sales" in shell.ask("\\dn")
    tables = shell.ask("\\d")
    assert "employees" in tables and "nation" in tables
    assert "employees" not in shell.ask("\\d sales")
    columns = shell.ask("\\d hr.employees")
    assert "salary" in columns and "12 rows" in columns
    assert "n_regionkey" in shell.ask("\\d nation")
    assert "hint: `lakegate tables`" in shell.ask("\\d hr.nothing")


def test_an_error_is_told_with_its_place_and_the_shell_goes_on(shell):
    answer = shell.ask("selec 1;")
    assert "error:" in answer and "1 | selec 1\n    ^\n" in answer
    assert "no command \\nonsense" in shell.ask("\\nonsense")
    assert "1 row" in shell.ask("select 1;")


def test_ctrl_c_drops_the_line_and_cancels_a_query_but_keeps_the_shell(shell):
    shell.send("select 'unfinished")
    shell.wait_for("unfinished")
    shell.send(CTRL_C)
    shell.wait_for("\n" + PROMPT)
    shell.enter(ENDLESS)
    shell.wait_for("waiting for rows")
    shell.send(CTRL_C)
    assert "cancelled" in shell.wait_for("\n" + PROMPT)
    assert "1 row" in shell.ask("select 1;")


def test_history_is_kept_between_sessions_and_read_by_nobody_else(tmp_path):
    with Terminal(folder=tmp_path) as terminal:
        terminal.wait_for(PROMPT)
        terminal.ask("select 'remembered' as note;")
        terminal.enter("\\q")
        assert terminal.end() == 0
    assert stat.S_IMODE((tmp_path / "history").stat().st_mode) == 0o600
    with Terminal(folder=tmp_path) as terminal:
        terminal.wait_for(PROMPT)
        terminal.send(KEY_UP * 2)
        terminal.wait_for("'remembered' as note;")
        terminal.send("\r")
        terminal.wait_for("1 row")


def test_tab_completes_keywords_tables_and_columns(shell):
    def complete(begun: str, word: str) -> None:
        """Names are loaded in the background, and the prompt does not wait for them; so Tab may come too early."""
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        shell.send(begun + KEY_TAB)
        while not shell.appears(word):
            assert time.monotonic() < deadline, shell.text
            shell.send(KEY_TAB)
        shell.text = ""

    complete("select * from sales.natio", "sales.nation")
    complete(" wher", "where")
    complete(" n_regionk", "n_regionkey")
    shell.send(" = 3;\r")
    shell.wait_for("5 rows")


def test_options_of_the_session_hold_until_the_shell_is_left(shell):
    assert "done" in shell.ask("use sales;")
    assert "25" in shell.ask("select count(*) from nation;")
    shell.ask("set statement_timeout = '45s';")
    assert "45s" in shell.ask("show statement_timeout;")


def test_expanded_and_timing_are_switched(shell):
    assert "is on" in shell.ask("\\x")
    answer = shell.ask("select 1 as a, 'x' as b;")
    assert "-[ row 1 ]" in answer and "b | x" in answer
    assert "is off" in shell.ask("\\x off")
    assert "-[ row 1 ]" in shell.ask("select 1 as a \\gx")
    assert "is on" in shell.ask("\\timing")
    assert re.search(r"1 row in [0-9.]+ m?s\n", shell.ask("select 1;"))


def test_results_go_to_a_file_and_back_to_the_screen(shell, tmp_path):
    target = tmp_path / "rows.csv"
    shell.ask("\\o rows.csv")
    answer = shell.ask("select n_name from sales.nation where n_nationkey=6;")
    assert "1 row written to rows.csv" in answer and "FRANCE" not in answer.splitlines()
    shell.ask("select n_name from sales.nation where n_nationkey=7;")
    shell.ask("\\o")
    assert "1 row" in shell.ask("select 1;")
    assert target.read_text() == "n_name\nFRANCE\nn_name\nGERMANY\n"


def test_a_file_of_statements_is_run(shell, tmp_path):
    script = tmp_path / "script.sql"
    script.write_text("\\x on\nselect 'from the file' as source;\nselect 2 as last")
    answer = shell.ask("\\i script.sql")
    assert "from the file" in answer and "last | 2" in answer


def test_what_is_taller_than_the_screen_is_paged_and_what_is_not_is_not(tmp_path):
    pager = "sed 's/^/paged: /'"
    with Terminal(folder=tmp_path, PAGER=pager) as terminal:
        terminal.wait_for(PROMPT)
        tall = terminal.ask("select n_name from sales.nation;")
        assert "paged: FRANCE" in tall and "25 rows" in tall
        assert "paged" not in terminal.ask("select n_name from sales.nation limit 5;").split("limit 5;")[-1]
        terminal.ask("\\pager off")
        assert "paged" not in terminal.ask("select n_name from sales.nation;")


@pytest.mark.skipif(not shutil.which("head"), reason="no head")
def test_leaving_the_pager_early_ends_the_query_and_is_no_error(tmp_path):
    with Terminal(folder=tmp_path, PAGER="head -3") as terminal:
        terminal.wait_for(PROMPT)
        answer = terminal.ask("select l_orderkey, l_comment from sales.lineitem;")
        assert "error" not in answer
        assert "1 row" in terminal.ask("select 1;")


def test_a_table_fits_the_terminal(shell):
    answer = shell.ask("select * from hr.employees where id < 4;")
    table = [line for line in answer.splitlines() if " | " in line]
    assert table and all(len(line) <= 80 for line in table)
    assert "…" in answer and "NULL" in shell.ask("select null as nothing;")


def test_the_prompt_names_the_profile_and_its_command_gives_the_password(tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(
        f'[profile.lake]\nurl = "{URL}"\nuser = "support"\npassword_command = "echo support"\n', encoding="utf-8"
    )
    config.chmod(0o600)
    with Terminal("--profile", "lake", folder=tmp_path, LAKEGATE_CONFIG=str(config)) as terminal:
        assert "as support." in terminal.wait_for("lake> ")


def test_the_password_is_asked_for_and_not_shown(tmp_path):
    with Terminal(folder=tmp_path, LAKEGATE_PASSWORD="") as terminal:
        terminal.wait_for(f"Password for {USER}: ")
        # The prompt is printed first; nobody types as fast as a test.
        while termios.tcgetattr(terminal.master)[3] & termios.ECHO:
            terminal.read(0.01)
        terminal.enter(USER)
        assert USER not in terminal.wait_for("Connected").replace(f"as {USER}", "")
        terminal.wait_for(PROMPT)


def run(folder: Path, *arguments: str, text: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program(), *arguments], input=text, capture_output=True, text=True, timeout=SECONDS_TO_ANSWER,
        env=environment(folder, **more), check=False,
    )  # fmt: skip


def test_statements_from_a_pipe_are_run_without_prompt_and_without_progress(tmp_path):
    done = run(tmp_path, "shell", "--format", "csv", text="select 1 as a;\n\\format json\nselect 2\nas b")
    assert (done.returncode, done.stdout) == (0, 'a\n1\n{"b":2}\n')
    assert done.stderr == "the format is json\n"


def test_the_first_error_ends_a_script_with_the_exit_code_of_a_query(tmp_path):
    done = run(tmp_path, text="select 1 as a; select broken; select 3 as c;")
    assert done.returncode == 1
    assert done.stdout == "a\n-\n1\n" and "error:" in done.stderr
    open_quote = run(tmp_path, text="select 'a")
    assert (open_quote.returncode, open_quote.stdout) == (2, "")


def test_an_interrupt_ends_a_script(tmp_path):
    child = subprocess.Popen(
        [program()], env=environment(tmp_path), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    child.stdin.write("select 'ready' as a;\n" + ENDLESS + "\n")
    child.stdin.flush()
    assert child.stdout.readline() == "a\n"
    assert child.stdout.readline() == "-----\n"
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=SECONDS_TO_ANSWER)
    assert child.returncode == 130
