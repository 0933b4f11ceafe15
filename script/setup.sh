# Sourced by script/demo and script/test: a virtual environment of our own with Poststelle in it.
# Needs Python 3.11 or newer; the only thing it may take from the system is python3-venv.

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
venv=${POSTSTELLE_VENV:-$root/.venv}

if [ -t 1 ]; then bold=$(printf '\033[1m') cyan=$(printf '\033[36m') plain=$(printf '\033[0m'); else bold='' cyan='' plain=''; fi

say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then sudo "$@"
    else return 1
    fi
}

python_of_system() {
    for candidate in python3.13 python3.12 python3.11 python3; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    echo "Python 3.11 or newer is needed. On Debian 12: apt-get install python3 python3-venv" >&2
    return 1
}

# make_environment EXTRAS: installs only when pyproject.toml changed since the last time.
make_environment() {
    python=$(python_of_system) || exit 2
    wanted="$1 $(cksum <"$root/pyproject.toml")"
    [ -x "$venv/bin/poststelle" ] && [ "$(cat "$venv/.installed" 2>/dev/null)" = "$wanted" ] && return
    say "Installing Poststelle into $venv (once; takes a minute)"
    if ! "$python" -m venv "$venv" 2>/dev/null; then
        rm -rf "$venv"
        say "Python's venv module is missing: installing python3-venv"
        as_root apt-get update -qq && as_root apt-get install -y -qq python3-venv >/dev/null || {
            echo "Run as root: apt-get install python3-venv" >&2
            exit 2
        }
        "$python" -m venv "$venv" || exit 2
    fi
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$root[$1]" || exit 2
    printf '%s' "$wanted" >"$venv/.installed"
}
