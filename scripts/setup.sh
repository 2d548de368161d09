#!/usr/bin/env bash
# Prepares a fresh Debian or Ubuntu machine: a virtual environment in .venv, and the programs that tests need.
#
#   scripts/setup.sh python              .venv with Covenant (editable) and its development tools, at exact versions
#   scripts/setup.sh program NAME...     programs of the system: restic (the tests' second reader), borg (benchmarks),
#                                        postgresql (the tests start a server of their own; no cluster is made),
#                                        systemd-analyze (reads the unit that is shipped)
#
# What is there already is left alone, so a second run is quick. Where a system package is missing it is installed if
# we may (as root, or by sudo without a password); otherwise the exact command is printed and the set-up stops.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly VENV=.venv

stop() {
    printf 'setup: %s\n' "$1" >&2
    shift
    if [ $# -gt 0 ]; then printf '  %s\n' "$@" >&2; fi
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
    command -v apt-get >/dev/null || return 1
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

# Installs system packages, or says how and stops.
install_packages() {
    if ! may_install; then
        stop "these system packages are missing and may not be installed from here: $*" \
            "Install them, then run the same command again:" \
            "sudo apt-get update && sudo apt-get install -y $*"
    fi
    echo "setup: installing $*" >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null
}

# The first Python that is new enough, or nothing.
find_python() {
    local candidate
    for candidate in "${PYTHON:-python3}" python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

# Debian takes venv and ensurepip out of Python and ships them as a package of their own.
ensure_venv_module() {
    local python=$1 package
    if "$python" -c 'import venv, ensurepip' 2>/dev/null; then return; fi
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    install_packages "$package"
    "$python" -c 'import venv, ensurepip' 2>/dev/null || stop "$python still has no venv module after installing $package"
}

setup_python() {
    local python
    python=$(find_python)
    [ -n "$python" ] || stop "Python 3.11 or newer is needed, and none was found" "Name one with: make setup PYTHON=/path/to/python3"
    ensure_venv_module "$python"
    # A half-made environment from an interrupted run has no working pip: begin again.
    if ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
        rm -rf "$VENV"
        "$python" -m venv "$VENV"
    fi
    echo "setup: installing Covenant and its tools into $VENV (under a minute)" >&2
    "$VENV/bin/python" -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev]' </dev/null
}

# Whether a program is here. Debian keeps those of PostgreSQL's server off the path, for there can be several versions.
is_here() {
    case $1 in
        postgresql) compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

# The server's package makes a cluster and starts it, which nobody here needs, unless its configuration says not to.
forbid_cluster() {
    local file=/etc/postgresql-common/createcluster.conf
    if [ -e "$file" ] || ! may_install; then return; fi
    install_packages postgresql-common
    echo 'create_main_cluster = false' | as_root tee -a "$file" >/dev/null
}

# The Debian package that brings a program.
package_of() {
    case $1 in
        borg) echo borgbackup ;;
        systemd-analyze) echo systemd ;;
        *) echo "$1" ;;
    esac
}

setup_programs() {
    local program missing=()
    for program in "$@"; do
        is_here "$program" && continue
        if [ "$program" = postgresql ]; then forbid_cluster; fi
        missing+=("$(package_of "$program")")
    done
    if [ ${#missing[@]} -gt 0 ]; then install_packages "${missing[@]}"; fi
}

case ${1-} in
    python) setup_python ;;
    program) shift; setup_programs "$@" ;;
    *) stop "say what to set up" "scripts/setup.sh python" "scripts/setup.sh program restic borg" ;;
esac
