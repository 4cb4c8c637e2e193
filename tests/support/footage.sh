# Sourced, after packages.sh: films for the test cameras, made once from Debian's opencv-doc
# (vtest.avi: a street with pedestrians) and kept in the cache.
#
#   footage_prepare small|all     sets FOOTAGE to the folder; "small" leaves the 1080p film out
#
# Each film is a loop at 15 fps, H.264 without B-frames unless its name says otherwise, a keyframe
# every 30 pictures and nowhere else, its rate held within one second:
#   street-1080 street-360 street-180   52 s; people all the time
#   quiet-360 quiet-180                 30 s; an empty street, people from second 12 to 18
#   hevc-360                            20 s; H.265, people all the time

FOOTAGE_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/roadwatch
FOOTAGE_RECIPE=1 # one more whenever a film changes
FOOTAGE=$FOOTAGE_CACHE/footage-$FOOTAGE_RECIPE

# Unpacks vtest.avi alone: the package is not installed.
footage_source() {
    local source=$FOOTAGE_CACHE/vtest.avi work=$FOOTAGE_CACHE/download
    [[ -s $source ]] && return 0
    rm -rf "$work"
    mkdir -p "$work"
    apt-cache show opencv-doc >/dev/null 2>&1 || packages_update
    say "fetching street footage (package opencv-doc, 95 MB, once)"
    (cd "$work" && apt-get -o APT::Sandbox::User=root download opencv-doc)
    say "unpacking vtest.avi"
    dpkg-deb --fsys-tarfile "$work"/opencv-doc_*.deb |
        tar -x -C "$work" --wildcards '*/vtest.avi*'
    find "$work/usr" -name 'vtest.avi.gz' -exec gunzip {} +
    find "$work/usr" -name 'vtest.avi' -exec mv {} "$source.new" \;
    mv "$source.new" "$source"
    rm -rf "$work"
}

footage_ffmpeg() {
    ffmpeg -nostdin -hide_banner -loglevel error -stats -stats_period 5 -y "$@"
}

# footage_h264 KBIT: the encoder's arguments
footage_h264() {
    printf '%s\n' -an -c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 0 \
        -g 30 -keyint_min 30 -sc_threshold 0 -b:v "$1k" -maxrate "$1k" -bufsize "$1k"
}

FOOTAGE_CROP='crop=768:432:0:72' # 16:9
FOOTAGE_GRAIN='noise=alls=5:allf=t'

footage_street_small() {
    local r360 r180
    mapfile -t r360 < <(footage_h264 300)
    mapfile -t r180 < <(footage_h264 150)
    footage_ffmpeg -r 15 -i "$1/vtest.avi" -filter_complex "
        [0:v]$FOOTAGE_CROP,trim=end_frame=780,$FOOTAGE_GRAIN,split[a][b];
        [a]scale=640:360[m];[b]scale=320:180[s]" \
        -map '[m]' "${r360[@]}" "$2/street-360.mp4" -map '[s]' "${r180[@]}" "$2/street-180.mp4"
}

footage_street_1080() {
    local r1080
    mapfile -t r1080 < <(footage_h264 2000)
    footage_ffmpeg -r 15 -i "$1/vtest.avi" -vf \
        "$FOOTAGE_CROP,trim=end_frame=780,$FOOTAGE_GRAIN,scale=1920:1080" \
        "${r1080[@]}" "$2/street-1080.mp4"
}

footage_hevc() {
    footage_ffmpeg -r 15 -i "$1/vtest.avi" -vf \
        "$FOOTAGE_CROP,trim=end_frame=300,$FOOTAGE_GRAIN,scale=640:360" -an \
        -c:v libx265 -preset ultrafast -tag:v hvc1 -pix_fmt yuv420p -b:v 300k -x265-params \
        log-level=error:bframes=0:keyint=30:min-keyint=30:scenecut=0:open-gop=0 \
        "$2/hevc-360.mp4"
}

# The empty street is the median of pictures half a second apart.
footage_quiet() {
    local r360 r180
    mapfile -t r360 < <(footage_h264 300)
    mapfile -t r180 < <(footage_h264 150)
    footage_ffmpeg -i "$1/vtest.avi" -vf \
        "$FOOTAGE_CROP,select='not(mod(n,5))',tmedian=radius=75" -frames:v 1 "$2/empty.png"
    footage_ffmpeg -loop 1 -r 15 -t 30 -i "$2/empty.png" -r 15 -i "$1/vtest.avi" -filter_complex "
        [0:v]format=yuv420p[empty];[1:v]$FOOTAGE_CROP,setpts=PTS-4/TB[people];
        [empty][people]overlay=enable='between(t,12,17.99)':eof_action=pass,$FOOTAGE_GRAIN,
        trim=end_frame=450,split[a][b];[a]scale=640:360[m];[b]scale=320:180[s]" \
        -map '[m]' "${r360[@]}" "$2/quiet-360.mp4" -map '[s]' "${r180[@]}" "$2/quiet-180.mp4"
    rm "$2/empty.png"
}

# footage_make FILM STEP: runs STEP where FILM is not there yet; films appear whole
footage_make() {
    [[ -s $FOOTAGE/$1.mp4 ]] && return 0
    footage_source
    say "making film $1"
    rm -rf "$FOOTAGE/new"
    mkdir -p "$FOOTAGE/new"
    "$2" "$FOOTAGE_CACHE" "$FOOTAGE/new"
    mv "$FOOTAGE"/new/*.mp4 "$FOOTAGE/"
    rmdir "$FOOTAGE/new"
}

footage_prepare() {
    mkdir -p "$FOOTAGE"
    exec {footage_lock}>"$FOOTAGE_CACHE/lock"
    flock "$footage_lock"
    footage_make street-180 footage_street_small
    footage_make quiet-180 footage_quiet
    footage_make hevc-360 footage_hevc
    [[ $1 == small ]] || footage_make street-1080 footage_street_1080
    exec {footage_lock}>&-
}
