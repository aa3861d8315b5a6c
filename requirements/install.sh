#!/usr/bin/env bash
# Make a virtual environment from a lock: install.sh <folder> <runtime|dev>.
#
# Every package is checked against its hash. Says one line when it works and what to do when not.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1 lock=$2

fail() {
    printf 'clearhouse: %s\n' "$@" >&2
    exit 1
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
        if new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "needs Python 3.11 or newer; found $(python3 --version 2>/dev/null || echo none)." \
        "Install one, or name it: make PYTHON=/path/to/python3.12 ..."
}

# Some Linux distributions ship venv without ensurepip; the system's pip can fill in for it.
make_venv() {
    local python
    python=$(find_python)
    rm -rf "$venv"
    if "$python" -c 'import ensurepip' >/dev/null 2>&1 && "$python" -m venv "$venv"; then
        return
    fi
    rm -rf "$venv"
    "$python" -m venv --without-pip "$venv" >/dev/null 2>&1 ||
        fail "$python cannot make virtual environments." \
            "On Debian or Ubuntu: apt-get install python3-venv"
    "$python" -m pip --python "$venv/bin/python" --version >/dev/null 2>&1 ||
        fail "$python has neither ensurepip nor a pip of at least 23.0." \
            "On Debian or Ubuntu: apt-get install python3-venv python3-pip"
    outer_pip=$python
}

pip() {
    export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
    if [ -n "$outer_pip" ]; then
        "$outer_pip" -m pip --python "$venv/bin/python" "$@"
    else
        "$venv/bin/python" -m pip "$@"
    fi
}

run() {
    "$@" >"$log" 2>&1 || {
        cat "$log" >&2
        fail "the install failed; the lines above say why."
    }
}

outer_pip=""
log=$(mktemp)
trap 'rm -f "$log"' EXIT
new_enough "$venv/bin/python" || make_venv
if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1 && [ -z "$outer_pip" ]; then
    outer_pip=$(find_python)
fi
printf 'Installing %s packages into %s ...\n' "$lock" "$venv"
run pip install --quiet --require-hashes -r "requirements/$lock.txt" -r requirements/build.txt
run pip install --quiet --no-deps --no-build-isolation --editable .
touch "$venv/.$lock"
