#!/bin/bash
# Shows Roadwatch at work: installs packages, builds, starts a broker, three cameras with real
# street footage over RTSP, and the service; prints alerts as they come. Ctrl-C ends all of it.
#
#   tests/demo.sh [--seconds N] [--keep]
#
# --seconds N  ends by itself after N seconds of service (at least 20); exit status 0 only if every
#              camera recorded main and sub without a gap and an alert of each arrived
# --keep       leaves the recordings and the log in their folder at the end
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/support/packages.sh
. tests/support/footage.sh

usage() {
    sed -n '2,9s/^# \{0,1\}//p' "$0"
}

run_for=0
keep=0
while [[ $# -gt 0 ]]; do
    case $1 in
    --seconds)
        [[ ${2:-} =~ ^[0-9]{1,6}$ && $2 -ge 20 ]] ||
            { echo "demo.sh: --seconds wants a number of at least 20" >&2; exit 2; }
        run_for=$2
        shift 2
        ;;
    --keep) keep=1; shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
done

cameras=(gate market bridge)
names=("Cổng làng" "Ngã ba chợ" "Cầu Dùng")
starts=(0 17 34) # seconds into the film
pids=()          # in the order of starting
logs=()          # of each

start() { # start LOG COMMAND...
    local log=$1
    shift
    "$@" >"$log" 2>&1 &
    pids+=($!)
    logs+=("$log")
}

check_alive() { # fails when something ended by itself
    local i status
    for i in "${!pids[@]}"; do
        kill -0 "${pids[i]}" 2>/dev/null && continue
        status=0
        wait "${pids[i]}" || status=$?
        fail "$(basename "${logs[i]}" .log) ended by itself (status $status)" "${logs[i]}"
    done
}

stop() { # stop PID: within seconds, or else
    local _
    kill -TERM "$1" 2>/dev/null || return 0
    for _ in $(seq 80); do
        kill -0 "$1" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

# shellcheck disable=SC2317
finish() {
    local i
    trap '' INT TERM
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
        stop "${pids[i]}"
    done
    if [[ -n ${work:-} ]]; then
        if [[ $keep == 1 ]]; then
            say "kept in $work"
        else
            rm -rf "$work"
        fi
    fi
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    echo "demo.sh: $1" >&2
    [[ -s ${2:-} ]] && tail -n 30 "$2" >&2
    exit 1
}

wait_for() { # wait_for SECONDS WHAT LOG COMMAND...: until COMMAND succeeds
    local seconds=$1 what=$2 log=$3 _
    shift 3
    for _ in $(seq $((seconds * 10))); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    fail "$what did not start" "$log"
}

utc() {
    date -u +%Y-%m-%dT%H:%M:%S.%3NZ
}

prepare() {
    packages_install "the demo" "${PACKAGES_BUILD[@]}" "${PACKAGES_DEMO[@]}"
    say "building (release)"
    mkdir -p build
    cmake --preset release >build/release.configure.log ||
        fail "configuring failed" build/release.configure.log
    cmake --build --preset release --target roadwatch cameras
    footage_prepare all
    work=$(mktemp -d "${TMPDIR:-/tmp}/roadwatch-demo.XXXXXX")
}

start_broker() {
    local try
    for try in 1 2 3 4 5; do
        port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
        printf 'listener %d 127.0.0.1\nallow_anonymous true\nuser root\n' "$port" \
            >"$work/mosquitto.conf"
        start "$work/mosquitto.log" mosquitto -c "$work/mosquitto.conf"
        sleep 0.3
        kill -0 "${pids[-1]}" 2>/dev/null && break
        unset 'pids[-1]' 'logs[-1]'
        [[ $try -lt 5 ]] || fail "the broker found no free port" "$work/mosquitto.log"
    done
    wait_for 10 "the broker" "$work/mosquitto.log" \
        mosquitto_pub -h 127.0.0.1 -p "$port" -t demo -m here
    say "broker: 127.0.0.1:$port"
}

start_cameras() {
    local i streams=()
    for i in "${!cameras[@]}"; do
        streams+=("${cameras[i]}/main=$FOOTAGE/street-1080.mp4@${starts[i]}"
            "${cameras[i]}/sub=$FOOTAGE/street-360.mp4@${starts[i]}")
    done
    start "$work/cameras.log" build/release/tests/support/cameras "${streams[@]}"
    wait_for 20 "the cameras" "$work/cameras.log" grep -q '^port' "$work/cameras.log"
    rtsp=$(sed -n 's/^port //p' "$work/cameras.log")
    for i in "${!cameras[@]}"; do
        say "camera ${names[i]}: rtsp://127.0.0.1:$rtsp/${cameras[i]}/{main,sub}"
    done
}

write_config() {
    local i
    {
        printf 'site: {id: thon-dung, name: "Thôn Dùng", language: vi}\n'
        printf 'storage: {path: "%s/storage", slot_size: 16 MiB, sync: 2s}\n' "$work"
        printf 'mqtt: {host: 127.0.0.1, port: %d}\ncameras:\n' "$port"
        for i in "${!cameras[@]}"; do
            printf '  - id: %s\n    name: "%s"\n' "${cameras[i]}" "${names[i]}"
            printf '    main: {url: "rtsp://127.0.0.1:%d/%s/main", keep: 256 MiB}\n' \
                "$rtsp" "${cameras[i]}"
            printf '    sub: {url: "rtsp://127.0.0.1:%d/%s/sub", keep: 64 MiB}\n' \
                "$rtsp" "${cameras[i]}"
            printf '    alert: {cooldown: 3s, max: 20s}\n'
        done
    } >"$work/roadwatch.yaml"
}

start_phone() {
    : >"$work/alerts.txt"
    mosquitto_sub -h 127.0.0.1 -p "$port" -q 1 \
        -t 'roadwatch/+/+/snapshot' -t 'roadwatch/+/+/event' -F '%t %x' \
        > >(exec python3 tests/support/phone.py "$work") 2>"$work/phone.log" &
    pids+=($!)
    logs+=("$work/phone.log")
}

prepare
start_broker
start_cameras
write_config
start_phone
began=$(utc)
start "$work/roadwatch.log" build/release/roadwatch run -c "$work/roadwatch.yaml"
service=${pids[-1]}
say "roadwatch records into $work/storage, its log is $work/roadwatch.log"
say "the newest alert's picture is $work/newest-alert.jpg"

if [[ $run_for == 0 ]]; then
    say "alerts as they come (Ctrl-C ends all of it):"
else
    say "alerts as they come, for $run_for seconds:"
fi
for ((second = 0; run_for == 0 || second < run_for; second++)); do
    check_alive
    sleep 1
done
ended=$(utc)
stop "$service"
sleep 0.5 # the last alerts reach the phone
verdict=0
python3 tests/support/verdict.py build/release/roadwatch "$work/roadwatch.yaml" "$work" \
    "$began" "$ended" "${cameras[@]}" || verdict=$?
[[ $verdict == 0 ]] || tail -n 30 "$work/roadwatch.log"
exit "$verdict"
