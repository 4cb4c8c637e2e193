#!/bin/bash
# Builds the libFuzzer binaries with clang, AddressSanitizer and UBSan, and runs each of them.
#
#   tests/fuzz/run.sh [--seconds 60] [name ...]
#
# Names are those of tests/fuzz/fuzz_<name>.c; none: all. What is found goes to build/fuzz/found,
# inputs that reach new code to build/fuzz/grown, where the next run begins. An input that was found
# belongs into tests/fuzz/corpus/<name>, which every test run replays.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/support/packages.sh

seconds=60
names=()
while [[ $# -gt 0 ]]; do
    case $1 in
    --seconds)
        seconds=${2:?--seconds needs a number}
        shift 2
        ;;
    --help | -h)
        sed -n '2,8s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    -*)
        echo "$1 is unknown; see $0 --help" >&2
        exit 2
        ;;
    *)
        names+=("$1")
        shift
        ;;
    esac
done
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { echo "--seconds $seconds is no number" >&2; exit 2; }
if [[ ${#names[@]} -eq 0 ]]; then
    for entry in tests/fuzz/fuzz_*.c; do
        name=${entry##*/fuzz_}
        names+=("${name%.c}")
    done
fi

packages_install "fuzzing" "${PACKAGES_BUILD[@]}" "${PACKAGES_FUZZ[@]}"
say "building"
mkdir -p build/fuzz
# clang 14 gives the choosing functions of loops that are compiled twice no file of their own:
# RW_VECTOR_OFF.
cmake -S . -B build/fuzz -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_C_FLAGS=-DRW_VECTOR_OFF -DROADWATCH_ASSERTS=ON -DROADWATCH_FUZZ=ON \
    -DROADWATCH_SANITIZE=fuzzer-no-link,address,undefined >build/fuzz/configure.log
cmake --build build/fuzz --target "${names[@]/#/fuzz_}"

# UBSan only complains unless told to stop.
export UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1:print_stacktrace=1
failed=()
for name in "${names[@]}"; do
    say "fuzzing $name for $seconds s"
    grown=build/fuzz/grown/$name found=build/fuzz/found/$name log=build/fuzz/$name.log
    mkdir -p "$grown" "$found"
    if build/fuzz/tests/fuzz/fuzz_"$name" -max_total_time="$seconds" -max_len=65536 \
        -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$found/" \
        "$grown" "tests/fuzz/corpus/$name" >"$log" 2>&1; then
        grep -E '^stat::number_of_executed_units|^stat::peak_rss_mb' "$log"
    else
        tail -n 40 "$log"
        failed+=("$name")
    fi
done
if [[ ${#failed[@]} -gt 0 ]]; then
    echo "found something: ${failed[*]}; see build/fuzz/found and build/fuzz/*.log" >&2
    exit 1
fi
