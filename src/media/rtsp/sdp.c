#include "media/rtsp/sdp.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "media/nal.h"
#include "media/rtsp/text.h"

enum {
    MEDIA_MAX = 64,
    FORMATS_MAX = 16, /* payload types of one media that are looked at */
    FMTP_MAX = 16,    /* fmtp of one media, likewise */
    SETS_BYTES_MAX = 16 << 10,
    NAME_SIZE = 32,
    TYPES = 128, /* payload types that there are */
    CLOCK_HZ = 90000,
};

/* One media, from its m= to the next. */
struct section {
    bool is_video;
    struct rw_span formats;     /* of m= */
    struct rw_span maps[TYPES]; /* "H264/90000" of each payload type; size 0: none */
    struct rw_span fmtp[FMTP_MAX];
    int fmtp_count;
    struct rw_span control;
};

struct reading {
    struct rw_sdp *out;
    struct section section;
    int media;              /* how many m= came so far */
    bool found;             /* a video that can be recorded */
    char other[NAME_SIZE];  /* the first video that cannot, by name */
    struct rw_buf identity; /* what is hashed */
};

static void add_identity(struct reading *reading, const char *field, struct rw_span value)
{
    rw_buf_printf(&reading->identity, "%s", field);
    rw_buf_add(&reading->identity, value.at, value.size);
    rw_buf_add(&reading->identity, "\n", 1);
}

/* The payload type at the front of *rest, -1 where there is none. */
static int take_type(struct rw_span *rest)
{
    *rest = rw_span_trim(*rest);
    int64_t type = rw_span_number(rest, TYPES);
    bool whole = rest->size == 0 || *rest->at == ' ' || *rest->at == '\t';
    return type < TYPES && whole ? (int)type : -1;
}

/* The next "fmtp:type parameters" of this type; *i is where to look and moves behind it. */
static bool next_fmtp(const struct section *section, int type, int *i, struct rw_span *parameters)
{
    while (*i < section->fmtp_count) {
        *parameters = section->fmtp[(*i)++];
        int its = take_type(parameters);
        if (its >= 0 && its == type)
            return true;
    }
    return false;
}

static bool has_parameter(const struct section *section, int type, const char *wanted)
{
    struct rw_span parameters, name, value;
    for (int i = 0; next_fmtp(section, type, &i, &parameters);)
        while (rw_span_parameter(&parameters, &name, &value))
            if (rw_span_is(name, wanted))
                return true;
    return false;
}

static const char *static_name(int type)
{
    switch (type) {
    case 26:
        return "mjpeg";
    case 31:
        return "h261";
    case 32:
        return "mpeg video";
    case 33:
        return "an MPEG transport stream";
    case 34:
        return "h263";
    default:
        return "something without a name";
    }
}

/* What the payload type holds: its rtpmap says it, else its parameters give it away, else its
 * number. The name is for a sentence. */
static enum rw_codec_id codec_of(const struct section *section, int type, char name[NAME_SIZE])
{
    struct rw_span map = type < 0 ? (struct rw_span){"", 0} : section->maps[type];
    struct rw_span encoding = rw_span_take(&map, "/");
    if (rw_span_is(encoding, "H264"))
        return RW_CODEC_H264;
    if (rw_span_is(encoding, "H265") || rw_span_is(encoding, "HEVC"))
        return RW_CODEC_HEVC;
    if (rw_span_is(encoding, "JPEG"))
        encoding = rw_span_of("mjpeg");
    if (encoding.size >= NAME_SIZE)
        encoding.size = NAME_SIZE - 1;
    (void)rw_span_copy(encoding, name, NAME_SIZE);
    if (encoding.size > 0)
        return RW_CODEC_OTHER;
    if (has_parameter(section, type, "sprop-vps") || has_parameter(section, type, "sprop-sps"))
        return RW_CODEC_HEVC;
    if (has_parameter(section, type, "sprop-parameter-sets") ||
        has_parameter(section, type, "packetization-mode"))
        return RW_CODEC_H264;
    (void)rw_span_copy(rw_span_of(static_name(type)), name, NAME_SIZE);
    return RW_CODEC_OTHER;
}

/* One set, without a start code that some put before it too, if it is of this kind. */
static void add_set(struct rw_span letters, enum rw_codec_id codec, enum rw_nal_kind kind,
                    struct rw_buf *sets)
{
    static const uint8_t START[] = {0, 0, 0, 1};
    struct rw_buf bytes = {0};
    size_t skip = 0;
    if (letters.size <= SETS_BYTES_MAX && rw_base64_decode(letters, &bytes)) {
        for (size_t code = 3; code <= 4; code++)
            if (bytes.size > code && memcmp(bytes.data, START + 4 - code, code) == 0)
                skip = code;
        size_t size = bytes.size - skip;
        if (rw_nal_kind(codec, bytes.data[skip]) == kind &&
            sets->size + sizeof START + size <= SETS_BYTES_MAX) {
            rw_buf_add(sets, START, sizeof START);
            rw_buf_add(sets, bytes.data + skip, size);
        }
    }
    rw_buf_finish(&bytes);
}

static void add_sets(const struct section *section, int type, enum rw_codec_id codec,
                     enum rw_nal_kind kind, struct rw_buf *sets)
{
    struct rw_span parameters, name, value;
    for (int i = 0; next_fmtp(section, type, &i, &parameters);) {
        while (rw_span_parameter(&parameters, &name, &value)) {
            bool wanted = codec == RW_CODEC_HEVC
                              ? rw_span_is(name, "sprop-vps") || rw_span_is(name, "sprop-sps") ||
                                    rw_span_is(name, "sprop-pps")
                              : rw_span_is(name, "sprop-parameter-sets");
            while (wanted && value.size > 0)
                add_set(rw_span_take(&value, ","), codec, kind, sets);
        }
    }
}

/* Video over RTP has a clock of 90 kHz (RFC 6184, 8.2.1; RFC 7798, 7.2.1); what is no clock at all
 * is taken for a slip of the pen. */
static int clock_of(struct rw_span map)
{
    (void)rw_span_take(&map, "/");
    int64_t hz = rw_span_number(&map, INT32_MAX);
    return hz >= 1000 && hz <= 1000000 ? (int)hz : CLOCK_HZ;
}

/* An address goes into a request, where a blank or a control character would end it. */
static int copy_control(struct rw_span value, char out[1024], struct rw_err *err)
{
    bool good = rw_span_copy(value, out, 1024);
    for (size_t i = 0; i < value.size && good; i++)
        good = (uint8_t)value.at[i] > ' ' && value.at[i] != 0x7f;
    return good ? 0
                : rw_fail(err, RW_EHOSTILE, "an address in the camera's SDP that cannot be one");
}

static int take_video(struct reading *reading, int type, enum rw_codec_id codec, struct rw_err *err)
{
    struct rw_sdp *out = reading->out;
    const struct section *section = &reading->section;
    reading->found = true;
    out->codec = codec;
    out->payload_type = type;
    out->clock_hz = clock_of(section->maps[type]);
    for (enum rw_nal_kind kind = RW_NAL_VPS; kind <= RW_NAL_PPS; kind++)
        add_sets(section, type, codec, kind, &out->sets);
    return copy_control(section->control, out->control, err);
}

/* Takes the section that has ended for the video, if it is the first that can be recorded. */
static int end_section(struct reading *reading, struct rw_err *err)
{
    struct rw_span formats = reading->section.formats;
    if (!reading->section.is_video || reading->found)
        return 0;
    for (int i = 0; i < FORMATS_MAX && (i == 0 || formats.size > 0); i++) {
        char name[NAME_SIZE] = "";
        struct rw_span format = rw_span_take(&formats, " \t");
        formats = rw_span_trim(formats);
        int type = take_type(&format);
        enum rw_codec_id codec = codec_of(&reading->section, type, name);
        if (codec != RW_CODEC_OTHER)
            return take_video(reading, type, codec, err);
        if (!*reading->other)
            memcpy(reading->other, name, sizeof name);
    }
    return 0;
}

/* "video 0 RTP/AVP 96 97". The port is the network's affair and no part of the identity. */
static int begin_section(struct reading *reading, struct rw_span line, struct rw_err *err)
{
    if (end_section(reading, err) < 0)
        return -1;
    memset(&reading->section, 0, sizeof reading->section);
    if (++reading->media > MEDIA_MAX)
        return rw_fail(err, RW_EHOSTILE, "the camera's SDP has more than %d media", MEDIA_MAX);
    struct rw_span media = rw_span_take(&line, " \t");
    line = rw_span_trim(line);
    (void)rw_span_take(&line, " \t");
    line = rw_span_trim(line);
    struct rw_span protocol = rw_span_take(&line, " \t");
    reading->section.is_video = rw_span_is(media, "video");
    reading->section.formats = rw_span_trim(line);
    add_identity(reading, "m=", media);
    add_identity(reading, "", protocol);
    add_identity(reading, "", reading->section.formats);
    return 0;
}

static void read_rtpmap(struct reading *reading, struct rw_span value)
{
    add_identity(reading, "rtpmap:", value);
    int type = take_type(&value);
    if (type >= 0 && reading->section.maps[type].size == 0)
        reading->section.maps[type] = rw_span_trim(value);
}

static int read_attribute(struct reading *reading, struct rw_span line, struct rw_err *err)
{
    struct section *section = &reading->section;
    struct rw_span name = rw_span_take(&line, ":");
    struct rw_span value = rw_span_trim(line);
    if (rw_span_is(name, "control")) {
        if (reading->media == 0 && !*reading->out->session_control)
            return copy_control(value, reading->out->session_control, err);
        if (section->control.size == 0)
            section->control = value;
    } else if (rw_span_is(name, "tool") && reading->media == 0) {
        add_identity(reading, "tool:", value);
    } else if (rw_span_is(name, "rtpmap") && reading->media > 0) {
        read_rtpmap(reading, value);
    } else if (rw_span_is(name, "fmtp") && section->fmtp_count < FMTP_MAX) {
        section->fmtp[section->fmtp_count++] = value;
    }
    return 0;
}

static int read_line(struct reading *reading, struct rw_span line, struct rw_err *err)
{
    if (line.size < 2 || line.at[1] != '=')
        return 0;
    struct rw_span value = rw_span_trim((struct rw_span){line.at + 2, line.size - 2});
    switch (line.at[0]) {
    case 's':
        if (reading->media == 0)
            add_identity(reading, "s=", value);
        return 0;
    case 'm':
        return begin_section(reading, value, err);
    case 'a':
        return read_attribute(reading, value, err);
    default:
        return 0;
    }
}

static int read_lines(struct reading *reading, struct rw_span text, struct rw_err *err)
{
    int rc = 0;
    while (rc == 0 && text.size > 0)
        rc = read_line(reading, rw_span_take(&text, "\n"), err);
    if (rc == 0)
        rc = end_section(reading, err);
    if (rc < 0 || reading->found)
        return rc;
    if (*reading->other)
        return rw_fail(err, RW_EFORMAT, "the camera sends %s; set it to H.264 or H.265",
                       reading->other);
    return rw_fail(err, RW_EFORMAT, "the stream has no video");
}

int rw_sdp_parse(const uint8_t *bytes, size_t size, struct rw_sdp *out, struct rw_err *err)
{
    memset(out, 0, sizeof *out);
    if (size > RW_SDP_SIZE_MAX)
        return rw_fail(err, RW_EHOSTILE, "the camera's SDP is longer than %d bytes",
                       RW_SDP_SIZE_MAX);
    const uint8_t *nul = size ? memchr(bytes, 0, size) : NULL; /* some count it in */
    struct rw_span text = {(const char *)bytes, nul ? (size_t)(nul - bytes) : size};
    while (text.size > 0 && (*text.at == '\r' || *text.at == '\n'))
        text = (struct rw_span){text.at + 1, text.size - 1};
    if (!rw_span_begins(text, "v="))
        return rw_fail(err, RW_EHOSTILE, "what the camera sends is not SDP");
    struct reading reading = {.out = out};
    int rc = read_lines(&reading, text, err);
    SHA256(reading.identity.data, reading.identity.size, out->identity);
    rw_buf_finish(&reading.identity);
    return rc;
}

void rw_sdp_finish(struct rw_sdp *sdp)
{
    rw_buf_finish(&sdp->sets);
}

/* "scheme://" (RFC 3986, 3.1); "track:1" is relative to those who send it. */
static bool is_absolute(const char *control)
{
    size_t scheme = strspn(control, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789+-.");
    return scheme > 0 && strncmp(control + scheme, "://", 3) == 0;
}

int rw_sdp_control_url(const char *base, const char *control, char *out, size_t size,
                       struct rw_err *err)
{
    const char *slash = "";
    if (is_absolute(control))
        base = "";
    else if (strcmp(control, "*") == 0)
        control = "";
    size_t length = strlen(base);
    if (*base && *control) {
        slash = base[length - 1] == '/' ? "" : "/";
        control += *control == '/';
    }
    int written = snprintf(out, size, "%s%s%s", base, slash, control);
    if (written < 0 || (size_t)written >= size)
        return rw_fail(err, RW_EFORMAT, "the address of the camera's video is too long");
    return 0;
}
