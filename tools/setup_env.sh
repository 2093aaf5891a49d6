#!/usr/bin/env bash
# Make the virtual environment that `make demo` and `make test` use. Safe to interrupt and to run again: every step that
# is done is skipped, and the compiler of mmcv's operators goes on with the object files it already has.
#
#   PYTHON  interpreter to start from   (default python3)
#   VENV    where the environment goes  (default .venv)
#   TORCH   requirement for torch       (default torch==2.13.0, the tested one)
#   STACK   whose mm packages           (default onedl, the tested ones; or upstream, those of OpenMMLab)
#   MMCV    requirement for mmcv        (default onedl-mmcv==2.3.6, of STACK=upstream mmcv==2.1.0)
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3} VENV=${VENV:-.venv} TORCH=${TORCH:-torch==2.13.0} STACK=${STACK:-onedl}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/mmqanet

die() { echo "setup: $*" >&2; exit 1; }
case $STACK in
    onedl) MMCV=${MMCV:-onedl-mmcv==2.3.6} ;;
    upstream) MMCV=${MMCV:-mmcv==2.1.0} ;;
    *) die "STACK is '$STACK', but must be onedl or upstream" ;;
esac
say() { printf '\033[1m[setup %3ds]\033[0m %s\n' "$SECONDS" "$*"; }

# Sets cxx, or says what is missing. Also called first of all, so that nothing is downloaded in vain.
find_compiler() {
    for cxx in ${CXX:-c++ g++ clang++}; do cxx=$(command -v "$cxx") && break; done
    [ -n "$cxx" ] \
        || die "no C++ compiler found: install one (on Debian or Ubuntu: apt-get install g++), or name it with CXX=..."
    echo 'int main() { return 0; }' | "$cxx" -std=c++20 -fsyntax-only -x c++ - 2>/dev/null \
        || die "$cxx is too old: torch's headers want C++20 (GCC 10, Clang 10 or newer; name one with CXX=...)"
    "$PYTHON" -c 'import sysconfig, os, sys
sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))' \
        || die "the headers of $("$PYTHON" --version) are missing (on Debian or Ubuntu: apt-get install python3-dev)"
}

command -v "$PYTHON" >/dev/null || die "no '$PYTHON' found: install Python 3.10 or newer, or name one with PYTHON=..."
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
    || die "$("$PYTHON" --version) is too old: mmqanet needs Python 3.10 or newer (name one with PYTHON=...)"
"$PYTHON" -c 'import venv, ensurepip' 2>/dev/null || die "$PYTHON has no venv module: install python3-venv"

stamp=$VENV/.mmqanet-ready
wanted=$(cat requirements/*.txt setup.cfg setup.py tools/setup_env.sh <(echo "$TORCH $MMCV $STACK") | cksum)
[ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && exit 0

mmcv_name=${MMCV//[^a-zA-Z0-9.]/_}
compgen -G "$cache/wheels/*-$mmcv_name/*.whl" >/dev/null || find_compiler
[ -x "$VENV/bin/python" ] || { say "creating $VENV"; "$PYTHON" -m venv "$VENV"; }
py=$PWD/$VENV/bin/python
case $VENV in /*) py=$VENV/bin/python ;; esac
export PIP_DISABLE_PIP_VERSION_CHECK=1
pip() { "$py" -m pip "$@"; }

say "installing $TORCH and the build tools"
pip install -qq -r requirements/build.txt
pip install -q "$TORCH" 'numpy>=1.24'

# pip caches a wheel built from a source archive under the archive's name alone, so one compiled for another torch would
# be taken silently. The wheel therefore lives in a folder named after what it was compiled for, and pip's cache is off.
key=$("$py" -c 'import sys, torch, platform
print(f"py{sys.version_info[0]}{sys.version_info[1]}-torch{torch.__version__}-cuda{torch.version.cuda}-{platform.machine()}")')
wheels=$cache/wheels/$key-$mmcv_name
if ! ls "$wheels"/*.whl >/dev/null 2>&1; then
    find_compiler
    source=$cache/source/$key-$mmcv_name
    if [ ! -f "$source/setup.py" ]; then
        say "downloading $MMCV"
        rm -rf "$source" "$source.tmp" && mkdir -p "$source.tmp"
        pip download -qq --no-deps --no-build-isolation --no-binary :all: -d "$source.tmp" "$MMCV"
        tar -xzf "$source.tmp"/*.tar.gz -C "$source.tmp" --strip-components=1
        mv "$source.tmp" "$source"
    fi
    say "compiling $MMCV with $cxx for $key (about 6 minutes on 2 cores; done once)"
    mkdir -p "$wheels.tmp"
    log=$cache/mmcv-build.log
    set -m  # the job gets a process group of its own, so that stopping it stops the compilers too
    (cd "$source" && CXX="$cxx" CFLAGS=-g0 MMCV_WITH_OPS=1 MAX_JOBS=${MAX_JOBS:-2} "$py" -m pip wheel -v --no-cache-dir \
        --no-deps --no-build-isolation -w "$wheels.tmp" . >"$log" 2>&1) &
    job=$!
    set +m
    trap 'kill -- -$job 2>/dev/null' EXIT
    trap 'exit 130' INT TERM
    while kill -0 $job 2>/dev/null; do
        sleep 5
        compiled=$(find "$source/build" -name '*.o' 2>/dev/null | wc -l || true)
        all=$(find "$source/build" -name build.ninja -exec grep -c '^build ' {} + 2>/dev/null | head -1 || true)
        printf '\r[setup %3ds] %s of %s files compiled ' "$SECONDS" "$compiled" "${all:-?}"
    done
    echo
    trap - EXIT INT TERM
    wait $job || die "compiling $MMCV failed; the end of $log: $(tail -5 "$log")"
    rm -rf "$wheels" && mv "$wheels.tmp" "$wheels" && rm -rf "$source"
fi

say "installing mmcv, mmengine, mmsegmentation, mmdetection and mmqanet"
pip install -qq --no-cache-dir "$wheels"/*.whl
if [ "$STACK" = onedl ]; then
    pip install -qq --no-build-isolation -e '.[all]'
else # the same requirements, less the forks'
    grep -hv '^onedl-' requirements/runtime.txt requirements/onnx.txt requirements/tests.txt >"$VENV/requirements.txt"
    pip install -qq --no-build-isolation -r requirements/upstream.txt -r "$VENV/requirements.txt"
    pip install -qq --no-build-isolation --no-deps -e .
fi
"$py" -c 'import mmcv._ext' || die "mmcv's compiled operators do not load: remove $wheels and run again"
echo "$wanted" >"$stamp"
say "environment ready in $VENV"
