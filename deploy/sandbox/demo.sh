#!/usr/bin/env bash
# Starts the sandbox with the sample lake and a server in front of it. Ctrl-C stops both.
set -euo pipefail

binaries=${1:?usage: demo.sh FOLDER_WITH_BINARIES}
here=$(cd "$(dirname "$0")" && pwd)
logs=$(mktemp -d "${TMPDIR:-/tmp}/lakegate-demo.XXXXXX")
children=()

stop() {
    trap - EXIT INT TERM
    if ((${#children[@]})); then
        kill "${children[@]}" 2>/dev/null || true
        wait "${children[@]}" 2>/dev/null || true
    fi
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# wait_for WHAT PID LOG COMMAND…: until the command succeeds; fails with the end of the log when the process ends.
wait_for() {
    local what=$1 pid=$2 log=$3
    shift 3
    until "$@" >/dev/null 2>&1; do
        if ! kill -0 "$pid" 2>/dev/null; then
            echo "error: the $what ended, its last words were:" >&2
            tail -n 20 "$log" >&2
            exit 1
        fi
        sleep 0.2
    done
}

echo "starting the sandbox and filling the sample lake ..."
"$binaries/lakegate-sandbox" --demo >"$logs/sandbox.log" 2>&1 &
children+=($!)
wait_for sandbox "$!" "$logs/sandbox.log" grep -q "sandbox ready" "$logs/sandbox.log"

# Whatever real AWS identity this shell has, the demo must not use it.
env -u AWS_PROFILE -u AWS_SESSION_TOKEN \
    AWS_ACCESS_KEY_ID=AKIASANDBOXSERVER000 AWS_SECRET_ACCESS_KEY=sandbox-server-secret \
    "$binaries/lakegate-server" --config "$here/lakegate.toml" >"$logs/server.log" 2>&1 &
children+=($!)
wait_for server "$!" "$logs/server.log" \
    env LAKEGATE_PASSWORD=analyst "$binaries/lakegate" -u analyst ping

cat <<TRY

Lakegate serves grpc://127.0.0.1:32010 (Arrow Flight SQL), logs are in $logs.
The same question from three users, in another terminal:

    alias lakegate=$binaries/lakegate

    LAKEGATE_PASSWORD=analyst    lakegate -u analyst    query "select * from hr.employees order by id limit 5"
    LAKEGATE_PASSWORD=support    lakegate -u support    query "select * from hr.employees order by id limit 5"
    LAKEGATE_PASSWORD=hr_partner lakegate -u hr_partner query "select * from hr.employees order by id limit 5"

analyst sees everything, support no ssn and no salary, hr_partner only active employees in France without ssn,
salary and email. Others: eu_analyst, auditor, stranger, admin; every password is the user's name.
Ctrl-C stops the demo.
TRY

# The first of the two that ends, ends the demo; `wait -n` is missing in the bash of macOS.
while kill -0 "${children[0]}" 2>/dev/null && kill -0 "${children[1]}" 2>/dev/null; do
    sleep 1
done
echo "error: sandbox or server ended, see $logs" >&2
exit 1
