#!/bin/sh
# Makes a virtual environment from the locked requirements, every file checked against its hash.
#
#   sh .ci/setup.sh                               .venv, with everything (what `make setup` does)
#   sh .ci/setup.sh DIR requirements.txt          DIR, with what is in the files named
#
# A stamp written last says what the environment was made from. While it holds nothing is done; when it does not
# (a file changed, the last run was interrupted, the folder was moved) the environment is made again from nothing.
set -eu
cd "$(dirname "$0")/.."

venv=${1:-.venv}
if [ $# -gt 1 ]; then shift; else set -- requirements.txt requirements-dev.txt; fi

system=$(uname -s)
case $system in
    MINGW* | MSYS* | CYGWIN*) python=$venv/Scripts/python.exe ;;
    *) python=$venv/bin/python ;;
esac

main() {
    stamp="$(cat .ci/setup.sh requirements-build.txt "$@" | cksum)"
    if [ -x "$python" ] && [ "$(cat "$venv/stamp" 2>/dev/null)" = "$stamp $(real "$venv")" ]; then return; fi
    base=$(find_python) || stop "Python 3.11 or newer was not found; $(how python3 python@3.13 Python.Python.3.13)"
    need_compiler
    if command -v uv >/dev/null 2>&1; then with=uv; else with=pip; need_venv; fi
    echo "making $venv with $with and $("$base" --version) (the first time takes a minute or two)"
    began=$(date +%s)
    rm -rf "$venv"
    "make_with_$with" "$@" || stop "$venv is not complete (the reason is above); run the same command again, it starts afresh"
    echo "$stamp $(real "$venv")" >"$venv/stamp"
    echo "$venv is ready, $(($(date +%s) - began)) s"
}

# tulipy is built with what is already installed, not in an environment of its own: that one would be filled without hashes.
make_with_uv() {
    uv venv --quiet --python "$base" "$venv" &&
        uv pip install --quiet --python "$python" --require-hashes -r requirements-build.txt &&
        uv pip install --quiet --python "$python" --require-hashes --no-build-isolation $(each_file "$@")
}

make_with_pip() {
    "$base" -m venv "$venv" &&
        pip_install -r requirements-build.txt &&
        pip_install --no-build-isolation $(each_file "$@")
}

pip_install() { # compiled when it is imported first, as uv leaves it: most of what is installed never is
    "$python" -m pip install --no-compile --quiet --disable-pip-version-check --no-input --require-hashes "$@"
}

each_file() {
    for file in "$@"; do printf ' -r %s' "$file"; done
}

# A name on the path is not enough: version switchers put names there that only say what they would need.
find_python() {
    for name in python3 python3.13 python3.12 python3.11 python; do
        "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue
        "$name" -c 'import sys; print(sys.executable)'
        return
    done
    uv python find --no-python-downloads '>=3.11' 2>/dev/null
}

# The question is whether an extension can be compiled, so one is; a compiler without Python.h, or without libc's, fails.
need_compiler() {
    case $system in
        MINGW* | MSYS* | CYGWIN*)
            installer="/c/Program Files (x86)/Microsoft Visual Studio/Installer/vswhere.exe"
            if command -v cl >/dev/null 2>&1 || [ -x "$installer" ]; then return; fi
            stop "a C compiler was not found and tulipy has to be built; install the Visual Studio Build Tools with 'Desktop development with C++'"
            ;;
        Darwin) xcode-select -p >/dev/null 2>&1 || stop "a C compiler was not found and tulipy has to be built; run: xcode-select --install" ;;
    esac
    from_python=$("$base" -c 'import sysconfig; print((sysconfig.get_config_var("CC") or "cc").split()[0])')
    for name in ${CC:-} "$from_python" cc gcc clang; do
        if command -v "$name" >/dev/null 2>&1; then compiler=$name; break; fi
    done
    if [ -z "${compiler:-}" ]; then
        stop "a C compiler was not found and tulipy has to be built; $(how "build-essential $(headers)" llvm -)"
    fi
    include=$("$base" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    if ! printf '#include <Python.h>\nint main(void) { return 0; }\n' | $compiler -I"$include" -fsyntax-only -x c - 2>/dev/null; then
        stop "$compiler cannot compile against Python.h of $("$base" --version) and tulipy has to be built; $(how "build-essential $(headers)" python@3.13 -)"
    fi
    if [ "$compiler" != "$from_python" ]; then export CC="$compiler"; fi
}

need_venv() {
    "$base" -c 'import ensurepip, venv' 2>/dev/null ||
        stop "$("$base" --version) has no venv and uv is not there either; $(how "$(headers | sed 's/-dev$/-venv/')" uv -)"
}

# python3-dev goes with the system's own python3 only.
headers() {
    case $base in
        */python3) echo python3-dev ;;
        *) "$base" -c 'import sys; print("python%d.%d-dev" % sys.version_info[:2])' ;;
    esac
}

# How to get something here: Debian's names, Homebrew's, winget's.
how() {
    case $system in
        Darwin) echo "run: brew install $2" ;;
        MINGW* | MSYS* | CYGWIN*) echo "run: winget install $3" ;;
        *) echo "on Debian or Ubuntu run: sudo apt install $1 (elsewhere, the packages with the same in them)" ;;
    esac
}

real() {
    (cd "$1" && pwd -P)
}

stop() {
    echo "set-up: $1" >&2
    exit 1
}

main "$@"
