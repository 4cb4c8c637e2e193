#!/bin/bash
# Installs what is missing, builds, and runs every test: development build, AddressSanitizer and
# UBSan, ThreadSanitizer.
#
#   tests/run.sh [--long] [ctest arguments, e.g. -R hangs]
#
# --long repeats the tests that draw lots (random kills) many times.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/support/packages.sh
. tests/support/footage.sh

long=0
if [[ ${1:-} == --long ]]; then
    long=1
    shift
elif [[ ${1:-} == --help || ${1:-} == -h ]]; then
    sed -n '2,8s/^# \{0,1\}//p' "$0"
    exit 0
fi

build() {
    local preset=$1
    shift
    say "building $preset"
    cmake --preset "$preset" "$@" >"build/$preset.configure.log" 2>&1 ||
        { cat "build/$preset.configure.log"; return 1; }
    cmake --build --preset "$preset"
}

packages_install "testing" "${PACKAGES_BUILD[@]}" "${PACKAGES_DEMO[@]}" "${PACKAGES_TESTS[@]}"
mkdir -p build
build asan
build tsan
build dev -DROADWATCH_SANITIZED=ON
footage_prepare all

say "testing"
export FOOTAGE ROADWATCH_LONG=$long
# Most tests wait for cameras, not for the processor: more of them than cores.
jobs=$(($(nproc) * 3))
exec ctest --test-dir build/dev --output-on-failure --no-label-summary -j "$jobs" "$@"
