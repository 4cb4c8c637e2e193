/* cameras: an RTSP server that plays films as if they were live cameras. Nothing is encoded.
 *
 *   cameras [--address A] [--port N] [--user U --password P --auth basic|digest] [--max-sessions N]
 *           [--tls PEM] [--log FILE] NAME=FILE[@SECOND] ...
 *
 * rtsp://A:PORT/NAME (A: 127.0.0.1 unless told otherwise) shows FILE in a loop without a seam, in
 * real time; it began at SECOND when the server was started, and who connects sees the present,
 * from the keyframe before it.
 * The first line on standard output is "port N".
 *
 * --tls: RTSPS alone is spoken; PEM has the key, the certificate, and those of its issuers.
 *
 * A line on standard input is an order, answered by a line "ok" or "error: why":
 *   stop NAME          disconnects its clients, 404 from now on
 *   start NAME         is there again
 *   hang NAME          sends no more pictures, connections stay
 *   freeze NAME        sends one keyframe again and again, in place of each picture
 *   mute NAME          sends supplemental information (SEI), in place of each picture
 *   still NAME         RTP timestamps stand still, pictures go on
 *   resume NAME        sends the present again, and its time
 *   switch NAME FILE   goes on with another film in the same session, its parameter sets in-band
 *   jump NAME SECONDS  RTP timestamps leap from the next picture on; may be negative
 *   certificate PEM    all clients are hung up on, and see another certificate when they are back
 *   quit
 * It ends with the process that started it.
 *
 * --log FILE gets one JSON object a line: {"t":unix seconds,"event":"play|teardown","path":NAME,
 * "pictures":sent in this session}.
 *
 * Threads: the main one reads orders and paces pictures; the RTSP library has one for each client,
 * which reaches in through the signals below. The lock covers streets and feeds. */
#include <gst/app/gstappsrc.h>
#include <gst/rtp/rtp.h>
#include <gst/rtsp-server/rtsp-server.h>

#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "clip.h"

enum {
    TICK_MS = 5,
    BACKLOG_MAX = 8 << 20, /* bytes a client may lag behind before pictures are dropped */
    RTP_HZ = 90000,
    RTP_STILL = 900000,
    MOUNT_SIZE = 128,
};

/* One camera stream, a path. */
struct street {
    struct farm *farm;
    char *name;
    struct clip *clip; /* the one shown now */
    GPtrArray *clips;  /* all that were ever shown: buffers in flight point into them */
    int64_t offset_us; /* where in the clip the server's time began */
    bool stopped, hung;
    GBytes *instead; /* sent in place of each picture; NULL: pictures are. Owned */
    gint rtp_shift;  /* atomic: added to RTP timestamps, ticks of RTP_HZ */
    gint rtp_still;  /* atomic: RTP timestamps are all RTP_STILL */
    GstRTSPMediaFactory *factory;
};

/* One client watching one street. Feed time is microseconds since PLAY. */
struct feed {
    struct street *street;
    GstRTSPMedia *media;   /* not owned; the feed goes when it is unprepared */
    GstRTSPClient *client; /* only compared, never used */
    GstAppSrc *source;     /* owned reference */
    bool playing;
    bool primed;     /* has the keyframe that the description is made from */
    int64_t play_us; /* monotonic */
    guint next;      /* picture */
    int64_t lap_us;  /* feed time of this lap's beginning */
    guint sent;
};

struct farm {
    GMutex lock;
    GPtrArray *streets;
    GPtrArray *feeds;
    int64_t start_us; /* monotonic */
    GMainLoop *loop;
    GstRTSPServer *server;
    GstRTSPMountPoints *mounts;
    GstRTSPAuth *auth; /* owned; NULL: neither login nor TLS */
    FILE *log;
    bool login;
};

struct arguments {
    gint port, max_sessions;
    gchar *address, *user, *password, *auth, *tls, *log;
    gchar **streets;
};

static void feed_log(const struct feed *feed, const char *event)
{
    FILE *log = feed->street->farm->log;
    if (!log)
        return;
    fprintf(log, "{\"t\":%.3f,\"event\":\"%s\",\"path\":\"%s\",\"pictures\":%u}\n",
            (double)g_get_real_time() / 1e6, event, feed->street->name, feed->sent);
    fflush(log);
}

/* Goes on with the street's present at this feed time. */
static void feed_cut(struct feed *feed, int64_t feed_us)
{
    const struct street *street = feed->street;
    int64_t position_us = g_get_monotonic_time() - street->farm->start_us + street->offset_us;
    feed->next = clip_keyframe(street->clip, position_us);
    feed->lap_us = feed_us - clip_picture(street->clip, feed->next)->dts_us;
}

static void feed_push(struct feed *feed)
{
    const struct clip *clip = feed->street->clip;
    const struct picture *picture = clip_picture(clip, feed->next);
    GBytes *instead = feed->primed ? feed->street->instead : NULL;
    GstBuffer *buffer = gst_buffer_new_wrapped_bytes(instead ? instead : picture->bytes);
    GST_BUFFER_PTS(buffer) = (GstClockTime)(feed->lap_us + picture->pts_us) * GST_USECOND;
    GST_BUFFER_DTS(buffer) = (GstClockTime)(feed->lap_us + picture->dts_us) * GST_USECOND;
    if (!picture->key)
        GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);

    if (gst_app_src_get_current_level_bytes(feed->source) < BACKLOG_MAX) {
        gst_app_src_push_buffer(feed->source, buffer);
        feed->sent++;
    } else {
        gst_buffer_unref(buffer);
    }
    if (++feed->next == clip->pictures->len) {
        feed->next = 0;
        feed->lap_us += clip->duration_us;
    }
}

static void feed_run(struct feed *feed, int64_t now_us)
{
    if (feed->street->hung)
        return;
    if (!feed->primed) {
        feed_cut(feed, 0);
        feed_push(feed);
        feed->primed = true;
    }
    if (!feed->playing)
        return;
    int64_t feed_us = now_us - feed->play_us;
    while (feed->lap_us + clip_picture(feed->street->clip, feed->next)->dts_us <= feed_us)
        feed_push(feed);
}

static gboolean farm_tick(gpointer arg)
{
    struct farm *farm = arg;
    g_mutex_lock(&farm->lock);
    for (guint i = 0; i < farm->feeds->len; i++)
        feed_run(farm->feeds->pdata[i], g_get_monotonic_time());
    g_mutex_unlock(&farm->lock);
    return G_SOURCE_CONTINUE;
}

static void feed_free(gpointer data)
{
    struct feed *feed = data;
    gst_object_unref(feed->source);
    g_free(feed);
}

static struct feed *farm_feed(struct farm *farm, const GstRTSPMedia *media)
{
    for (guint i = 0; i < farm->feeds->len; i++) {
        struct feed *feed = farm->feeds->pdata[i];
        if (feed->media == media)
            return feed;
    }
    return NULL;
}

static void on_unprepared(GstRTSPMedia *media, gpointer arg)
{
    struct farm *farm = arg;
    g_mutex_lock(&farm->lock);
    struct feed *feed = farm_feed(farm, media);
    if (feed) {
        feed_log(feed, "teardown");
        g_ptr_array_remove_fast(farm->feeds, feed);
    }
    g_mutex_unlock(&farm->lock);
}

static void on_play(GstRTSPClient *client, GstRTSPContext *context, gpointer arg)
{
    struct farm *farm = arg;
    (void)client;
    g_mutex_lock(&farm->lock);
    struct feed *feed = NULL;
    if (context->sessmedia)
        feed = farm_feed(farm, gst_rtsp_session_media_get_media(context->sessmedia));
    if (feed && !feed->playing) {
        feed->playing = true;
        feed->play_us = g_get_monotonic_time();
        feed_log(feed, "play");
    }
    g_mutex_unlock(&farm->lock);
}

static void on_client(GstRTSPServer *server, GstRTSPClient *client, gpointer arg)
{
    (void)server;
    g_signal_connect(client, "play-request", G_CALLBACK(on_play), arg);
}

static gboolean shift_packet(GstBuffer **buffer, guint index, gpointer arg)
{
    const struct street *street = arg;
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    (void)index;
    *buffer = gst_buffer_make_writable(*buffer);
    if (gst_rtp_buffer_map(*buffer, GST_MAP_READWRITE, &rtp)) {
        guint32 shift = (guint32)g_atomic_int_get(&street->rtp_shift);
        guint32 time = gst_rtp_buffer_get_timestamp(&rtp) + shift;
        if (g_atomic_int_get(&street->rtp_still))
            time = RTP_STILL;
        gst_rtp_buffer_set_timestamp(&rtp, time);
        gst_rtp_buffer_unmap(&rtp);
    }
    return TRUE;
}

static GstPadProbeReturn on_packets(GstPad *pad, GstPadProbeInfo *info, gpointer arg)
{
    const struct street *street = arg;
    (void)pad;
    if (!g_atomic_int_get(&street->rtp_shift) && !g_atomic_int_get(&street->rtp_still))
        return GST_PAD_PROBE_OK;
    if (GST_IS_BUFFER_LIST(info->data)) {
        GstBufferList *list = gst_buffer_list_make_writable(info->data);
        gst_buffer_list_foreach(list, shift_packet, arg);
        info->data = list;
    } else {
        GstBuffer *buffer = info->data;
        shift_packet(&buffer, 0, arg);
        info->data = buffer;
    }
    return GST_PAD_PROBE_OK;
}

static void watch_packets(GstElement *bin, struct street *street)
{
    GstElement *payloader = gst_bin_get_by_name(GST_BIN(bin), "pay0");
    GstPad *pad = gst_element_get_static_pad(payloader, "src");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_packets,
                      street, NULL);
    gst_object_unref(pad);
    gst_object_unref(payloader);
}

static void on_media(GstRTSPMediaFactory *factory, GstRTSPMedia *media, gpointer arg)
{
    struct street *street = arg;
    struct farm *farm = street->farm;
    GstRTSPContext *context = gst_rtsp_context_get_current();
    GstElement *bin = gst_rtsp_media_get_element(media);
    struct feed *feed = g_new0(struct feed, 1);
    (void)factory;

    feed->street = street;
    feed->media = media;
    feed->client = context ? context->client : NULL;
    feed->source = GST_APP_SRC(gst_bin_get_by_name(GST_BIN(bin), "pictures"));
    watch_packets(bin, street);
    gst_object_unref(bin);
    gst_rtsp_media_set_reusable(media, FALSE);
    g_signal_connect(media, "unprepared", G_CALLBACK(on_unprepared), farm);

    g_mutex_lock(&farm->lock);
    g_ptr_array_add(farm->feeds, feed);
    g_mutex_unlock(&farm->lock);
}

static GstRTSPMediaFactory *street_factory(struct street *street)
{
    const char *codec = street->clip->hevc ? "h265" : "h264";
    GstRTSPMediaFactory *factory = gst_rtsp_media_factory_new();
    char *launch = g_strdup_printf("( appsrc name=pictures is-live=true format=time max-bytes=0"
                                   " caps=video/x-%s,stream-format=byte-stream,alignment=au"
                                   " ! rtp%spay name=pay0 pt=96 config-interval=-1 )",
                                   codec, codec);
    gst_rtsp_media_factory_set_launch(factory, launch);
    g_free(launch);
    if (street->farm->login)
        gst_rtsp_media_factory_add_role(factory, "viewer", GST_RTSP_PERM_MEDIA_FACTORY_ACCESS,
                                        G_TYPE_BOOLEAN, TRUE, GST_RTSP_PERM_MEDIA_FACTORY_CONSTRUCT,
                                        G_TYPE_BOOLEAN, TRUE, NULL);
    g_signal_connect(factory, "media-configure", G_CALLBACK(on_media), street);
    return factory;
}

static void street_mount(struct street *street)
{
    char mount[MOUNT_SIZE];
    g_snprintf(mount, sizeof mount, "/%s", street->name);
    gst_rtsp_mount_points_add_factory(street->farm->mounts, mount, g_object_ref(street->factory));
}

static bool street_show(struct street *street, const char *file, char **error)
{
    struct clip *clip = clip_load(file, error);
    if (!clip)
        return false;
    if (street->clip && street->clip->hevc != clip->hevc) {
        *error = g_strdup("another codec needs another session");
        clip_destroy(clip);
        return false;
    }
    g_ptr_array_add(street->clips, clip);
    street->clip = clip;
    return true;
}

static void street_free(gpointer data)
{
    struct street *street = data;
    if (street->factory)
        g_object_unref(street->factory);
    g_ptr_array_unref(street->clips);
    if (street->instead)
        g_bytes_unref(street->instead);
    g_free(street->name);
    g_free(street);
}

/* "NAME=FILE[@SECOND]" */
static bool farm_add(struct farm *farm, const char *text, char **error)
{
    char **parts = g_strsplit(text, "=", 2);
    if (!parts[0] || !parts[1] || strlen(parts[0]) + 2 > MOUNT_SIZE) {
        *error = g_strdup_printf("%s: NAME=FILE[@SECOND] is wanted", text);
        g_strfreev(parts);
        return false;
    }
    struct street *street = g_new0(struct street, 1);
    char *at = strrchr(parts[1], '@');
    if (at) {
        street->offset_us = (int64_t)(g_ascii_strtod(at + 1, NULL) * 1e6);
        *at = '\0';
    }
    street->farm = farm;
    street->name = g_strdup(parts[0]);
    street->clips = g_ptr_array_new_with_free_func((GDestroyNotify)clip_destroy);
    g_ptr_array_add(farm->streets, street);
    bool shown = street_show(street, parts[1], error);
    g_strfreev(parts);
    if (!shown)
        return false;
    street->factory = street_factory(street);
    street_mount(street);
    return true;
}

static struct street *farm_street(struct farm *farm, const char *name)
{
    for (guint i = 0; name && i < farm->streets->len; i++) {
        struct street *street = farm->streets->pdata[i];
        if (strcmp(street->name, name) == 0)
            return street;
    }
    return NULL;
}

static GstRTSPFilterResult drop_if_listed(GstRTSPServer *server, GstRTSPClient *client,
                                          gpointer arg)
{
    (void)server;
    return g_ptr_array_find(arg, client, NULL) ? GST_RTSP_FILTER_REMOVE : GST_RTSP_FILTER_KEEP;
}

static void street_stop(struct street *street)
{
    struct farm *farm = street->farm;
    GPtrArray *clients = g_ptr_array_new();
    char mount[MOUNT_SIZE];

    if (street->stopped)
        return;
    street->stopped = true;
    g_snprintf(mount, sizeof mount, "/%s", street->name);
    gst_rtsp_mount_points_remove_factory(farm->mounts, mount);
    g_mutex_lock(&farm->lock);
    for (guint i = 0; i < farm->feeds->len; i++) {
        struct feed *feed = farm->feeds->pdata[i];
        if (feed->street == street && feed->client)
            g_ptr_array_add(clients, feed->client);
    }
    g_mutex_unlock(&farm->lock);
    g_list_free(gst_rtsp_server_client_filter(farm->server, drop_if_listed, clients));
    g_ptr_array_unref(clients);
}

/* The present is shown again to who is watching. */
static void street_cut(struct street *street)
{
    GPtrArray *feeds = street->farm->feeds;
    for (guint i = 0; i < feeds->len; i++) {
        struct feed *feed = feeds->pdata[i];
        if (feed->street == street && feed->primed)
            feed_cut(feed, feed->playing ? g_get_monotonic_time() - feed->play_us : 0);
    }
}

/* Takes the reference; NULL: pictures again. */
static void street_replace(struct street *street, GBytes *instead)
{
    if (street->instead)
        g_bytes_unref(street->instead);
    street->instead = instead;
}

static GBytes *present_keyframe(const struct street *street)
{
    int64_t at_us = g_get_monotonic_time() - street->farm->start_us + street->offset_us;
    guint key = clip_keyframe(street->clip, at_us);
    return g_bytes_ref(clip_picture(street->clip, key)->bytes);
}

/* User data without a registration (H.264 and H.265, annex D: payload type 5), as an access unit.
 */
static GBytes *supplement(bool hevc)
{
    static const guint8 h264[] = {0, 0, 0, 1, 0x06}, h265[] = {0, 0, 0, 1, 0x4e, 0x01};
    static const guint8 body[] = {5,  18, 1,  2,  3,  4,  5,  6,   7,   8,   9,
                                  10, 11, 12, 13, 14, 15, 16, 'h', 'i', 0x80};
    GByteArray *unit = g_byte_array_new();
    g_byte_array_append(unit, hevc ? h265 : h264, hevc ? sizeof h265 : sizeof h264);
    g_byte_array_append(unit, body, sizeof body);
    return g_byte_array_free_to_bytes(unit);
}

/* Sends, and nothing of use. */
static bool street_ail(struct street *street, const char *order)
{
    if (strcmp(order, "freeze") == 0)
        street_replace(street, present_keyframe(street));
    else if (strcmp(order, "mute") == 0)
        street_replace(street, supplement(street->clip->hevc));
    else if (strcmp(order, "still") == 0)
        g_atomic_int_set(&street->rtp_still, 1);
    else
        return false;
    return true;
}

static bool street_order(struct street *street, char **words, char **error)
{
    struct farm *farm = street->farm;
    const char *order = words[0], *value = words[2];
    bool done = true;

    if (strcmp(order, "stop") == 0) {
        street_stop(street);
        return true;
    }
    g_mutex_lock(&farm->lock);
    if (strcmp(order, "start") == 0) {
        if (street->stopped)
            street_mount(street);
        street->stopped = false;
    } else if (strcmp(order, "hang") == 0) {
        street->hung = true;
    } else if (strcmp(order, "resume") == 0) {
        street->hung = false;
        street_replace(street, NULL);
        g_atomic_int_set(&street->rtp_still, 0);
        street_cut(street);
    } else if (strcmp(order, "switch") == 0 && value) {
        done = street_show(street, value, error);
        if (done)
            street_cut(street);
    } else if (strcmp(order, "jump") == 0 && value) {
        g_atomic_int_add(&street->rtp_shift, (gint)(g_ascii_strtod(value, NULL) * RTP_HZ));
    } else if (!street_ail(street, order)) {
        done = false;
        *error = g_strdup_printf("there is no such order: %s", order);
    }
    g_mutex_unlock(&farm->lock);
    return done;
}

static bool farm_show_certificate(struct farm *farm, const char *file, char **error)
{
    GError *wrong = NULL;
    GTlsCertificate *certificate = g_tls_certificate_new_from_file(file, &wrong);
    if (!certificate) {
        *error = g_strdup(wrong->message);
        g_error_free(wrong);
        return false;
    }
    gst_rtsp_auth_set_tls_certificate(farm->auth, certificate);
    g_object_unref(certificate);
    return true;
}

static GstRTSPFilterResult drop(GstRTSPServer *server, GstRTSPClient *client, gpointer arg)
{
    (void)server;
    (void)client;
    (void)arg;
    return GST_RTSP_FILTER_REMOVE;
}

static void farm_exchange_certificate(struct farm *farm, const char *file, char **error)
{
    if (!farm->auth || !file)
        *error = g_strdup("--tls and a file are wanted");
    else if (farm_show_certificate(farm, file, error))
        g_list_free(gst_rtsp_server_client_filter(farm->server, drop, NULL));
}

static void farm_order(struct farm *farm, const char *line)
{
    char **words = g_strsplit(line, " ", 3);
    char *error = NULL;
    if (words[0] && strcmp(words[0], "quit") == 0) {
        g_main_loop_quit(farm->loop);
    } else if (words[0] && strcmp(words[0], "certificate") == 0) {
        farm_exchange_certificate(farm, words[1], &error);
    } else {
        struct street *street = words[0] ? farm_street(farm, words[1]) : NULL;
        if (!street)
            error = g_strdup("there is no such camera");
        else
            street_order(street, words, &error);
    }
    if (error)
        printf("error: %s\n", error);
    else
        printf("ok\n");
    fflush(stdout);
    g_free(error);
    g_strfreev(words);
}

static gboolean on_order(GIOChannel *channel, GIOCondition condition, gpointer arg)
{
    struct farm *farm = arg;
    char *line = NULL;
    gsize end = 0;
    (void)condition;
    GIOStatus status = g_io_channel_read_line(channel, &line, NULL, &end, NULL);
    if (status == G_IO_STATUS_NORMAL) {
        line[end] = '\0';
        farm_order(farm, line);
    }
    g_free(line);
    return status == G_IO_STATUS_NORMAL || status == G_IO_STATUS_AGAIN;
}

static gboolean on_signal(gpointer arg)
{
    g_main_loop_quit(((struct farm *)arg)->loop);
    return G_SOURCE_CONTINUE;
}

static void farm_ask_login(struct farm *farm, const struct arguments *args, GstRTSPToken *token)
{
    if (g_strcmp0(args->auth, "digest") == 0) {
        gst_rtsp_auth_set_supported_methods(farm->auth, GST_RTSP_AUTH_DIGEST);
        gst_rtsp_auth_add_digest(farm->auth, args->user, args->password, token);
    } else {
        char *basic = gst_rtsp_auth_make_basic(args->user, args->password);
        gst_rtsp_auth_add_basic(farm->auth, basic, token);
        g_free(basic);
    }
}

/* To the library TLS is a matter of who may look, too. */
static bool farm_guard(struct farm *farm, const struct arguments *args, char **error)
{
    if (!args->tls && !(args->user && args->password))
        return true;
    GstRTSPToken *token =
        gst_rtsp_token_new(GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE, G_TYPE_STRING, "viewer", NULL);
    farm->auth = gst_rtsp_auth_new();
    farm->login = true;
    if (args->user && args->password)
        farm_ask_login(farm, args, token);
    else
        gst_rtsp_auth_set_default_token(farm->auth, token);
    gst_rtsp_token_unref(token);
    gst_rtsp_server_set_auth(farm->server, farm->auth);
    return !args->tls || farm_show_certificate(farm, args->tls, error);
}

static void farm_listen(struct farm *farm, const struct arguments *args)
{
    char *service = g_strdup_printf("%d", args->port);
    gst_rtsp_server_set_address(farm->server, args->address);
    gst_rtsp_server_set_service(farm->server, service);
    g_free(service);

    GstRTSPThreadPool *threads = gst_rtsp_server_get_thread_pool(farm->server);
    gst_rtsp_thread_pool_set_max_threads(threads, -1); /* a hung camera stops nobody else's */
    g_object_unref(threads);
    if (args->max_sessions > 0) {
        GstRTSPSessionPool *sessions = gst_rtsp_server_get_session_pool(farm->server);
        gst_rtsp_session_pool_set_max_sessions(sessions, (guint)args->max_sessions);
        g_object_unref(sessions);
    }
    farm->mounts = gst_rtsp_server_get_mount_points(farm->server);
    g_signal_connect(farm->server, "client-connected", G_CALLBACK(on_client), farm);
}

static bool farm_parse(int *argc, char ***argv, struct arguments *args, char **error)
{
    /* FILENAME: bytes as they are, in any locale. */
    const GOptionEntry entries[] = {
        {"port", 0, 0, G_OPTION_ARG_INT, &args->port, "0: a free one", "N"},
        {"address", 0, 0, G_OPTION_ARG_STRING, &args->address, "default 127.0.0.1", "A"},
        {"max-sessions", 0, 0, G_OPTION_ARG_INT, &args->max_sessions, "refuse more", "N"},
        {"user", 0, 0, G_OPTION_ARG_FILENAME, &args->user, "who may look", "U"},
        {"password", 0, 0, G_OPTION_ARG_FILENAME, &args->password, NULL, "P"},
        {"auth", 0, 0, G_OPTION_ARG_STRING, &args->auth, "basic or digest", "HOW"},
        {"tls", 0, 0, G_OPTION_ARG_FILENAME, &args->tls, "key and certificates", "PEM"},
        {"log", 0, 0, G_OPTION_ARG_FILENAME, &args->log, "JSON lines", "FILE"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &args->streets, NULL,
         "NAME=FILE[@SECOND]..."},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    GOptionContext *context = g_option_context_new(NULL);
    GError *wrong = NULL;
    g_option_context_add_main_entries(context, entries, NULL);
    bool parsed = g_option_context_parse(context, argc, argv, &wrong);
    g_option_context_free(context);
    if (!parsed) {
        *error = g_strdup(wrong->message);
        g_error_free(wrong);
    } else if (!args->streets) {
        *error = g_strdup("at least one NAME=FILE is wanted");
        parsed = false;
    }
    return parsed;
}

static int farm_run(struct farm *farm, const struct arguments *args, char **error)
{
    if (!farm_guard(farm, args, error))
        return 2;
    for (char **street = args->streets; *street; street++) {
        if (!farm_add(farm, *street, error))
            return 2;
    }
    if (args->log && !(farm->log = fopen(args->log, "we"))) {
        *error = g_strdup_printf("%s cannot be written", args->log);
        return 1;
    }
    if (gst_rtsp_server_attach(farm->server, NULL) == 0) {
        *error = g_strdup_printf("port %d is taken", args->port);
        return 1;
    }
    printf("port %d\n", gst_rtsp_server_get_bound_port(farm->server));
    fflush(stdout);

    GIOChannel *orders = g_io_channel_unix_new(STDIN_FILENO);
    g_io_channel_set_flags(orders, G_IO_FLAG_NONBLOCK, NULL);
    g_io_add_watch(orders, G_IO_IN | G_IO_HUP, on_order, farm);
    g_unix_signal_add(SIGTERM, on_signal, farm);
    g_unix_signal_add(SIGINT, on_signal, farm);
    g_timeout_add(TICK_MS, farm_tick, farm);
    farm->start_us = g_get_monotonic_time();
    g_main_loop_run(farm->loop);
    g_io_channel_unref(orders);
    return 0;
}

int main(int argc, char **argv)
{
    struct farm farm = {0};
    struct arguments args = {.address = g_strdup("127.0.0.1")};
    char *error = NULL;
    int status = 2;

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    gst_init(NULL, NULL);
    if (farm_parse(&argc, &argv, &args, &error)) {
        g_mutex_init(&farm.lock);
        farm.streets = g_ptr_array_new_with_free_func(street_free);
        farm.feeds = g_ptr_array_new_with_free_func(feed_free);
        farm.loop = g_main_loop_new(NULL, FALSE);
        farm.server = gst_rtsp_server_new();
        farm_listen(&farm, &args);
        status = farm_run(&farm, &args, &error);
    }
    if (error)
        fprintf(stderr, "cameras: %s\n", error);
    /* Client threads of the library may still be sending from the clips: the kernel frees all. */
    fflush(NULL);
    _Exit(status);
}
