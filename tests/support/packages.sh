# Sourced: installs the Debian packages that are missing, and only those.
#
#   packages_install "what for" PACKAGE...
#
# A run with nothing missing asks dpkg alone: no network, no root.

# Compiler and libraries. The payloaders and RTSP transports of the test cameras are in the
# GStreamer sets base and good.
# shellcheck disable=SC2034
PACKAGES_BUILD=(gcc libc6-dev cmake ninja-build pkg-config
    libavformat-dev libavcodec-dev libavutil-dev libturbojpeg0-dev libmosquitto-dev
    libcurl4-openssl-dev
    libsqlite3-dev libcyaml-dev libyaml-dev libjansson-dev libssl-dev libsystemd-dev libseccomp-dev
    libcmocka-dev libgstrtspserver-1.0-dev libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
    gstreamer1.0-plugins-base gstreamer1.0-plugins-good)
# A broker, a phone, and footage.
# shellcheck disable=SC2034
PACKAGES_DEMO=(mosquitto mosquitto-clients ffmpeg python3)
# One test plays a recording in a browser, others set the clock of the program and its time zone,
# record on disks that fail, from other RTSP servers than GStreamer's, over TLS, or over a network that
# loses; one reads what Home Assistant is told as Home Assistant does.
# shellcheck disable=SC2034
PACKAGES_TESTS=(chromium libfaketime tzdata nbdkit libnbd-bin fuse3 e2fsprogs util-linux mount
    librtsp-server-perl vlc-bin vlc-plugin-base iproute2 nftables glib-networking openssl
    python3-jinja2 python3-jsonschema)
# libFuzzer, by hand only.
# shellcheck disable=SC2034
PACKAGES_FUZZ=(clang libclang-rt-14-dev)

say() {
    printf '== %s\n' "$*"
}

packages_missing() {
    local package
    for package in "$@"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            printf '%s\n' "$package"
    done
}

packages_update() {
    say "reading the package lists"
    apt-get update -q
}

packages_install() {
    local why=$1 missing
    shift
    mapfile -t missing < <(packages_missing "$@")
    [[ ${#missing[@]} -gt 0 ]] || return 0
    if [[ $(id -u) != 0 ]]; then
        echo "missing packages; as root: apt-get install --no-install-recommends ${missing[*]}" >&2
        return 1
    fi
    packages_update
    say "installing for $why: ${missing[*]}"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}
