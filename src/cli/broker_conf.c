#include "cli/broker_conf.h"

#include <stdbool.h>
#include <string.h>

static void listener(struct rw_buf *out, const struct rw_broker_conf *conf, int port)
{
    rw_buf_printf(out, "listener %d\n", port);
    if (port == conf->websockets)
        rw_buf_printf(out, "protocol websockets\n");
    rw_buf_printf(out, "certfile %s/server.crt\nkeyfile %s/server.key\n\n", conf->dir, conf->dir);
}

void rw_broker_conf_write(struct rw_buf *out, const struct rw_broker_conf *conf)
{
    rw_buf_printf(out, "# Roadwatch's broker. Written by \"roadwatch broker setup\".\n\n"
                       "# MQTT, encrypted: boxes, phones, bridges.\n");
    listener(out, conf, conf->port);
    if (conf->websockets) {
        rw_buf_printf(out, "# The same for pages in a browser.\n");
        listener(out, conf, conf->websockets);
    }
    rw_buf_printf(out,
                  "# Nobody without a login, and each with its own rights.\n"
                  "allow_anonymous false\n"
                  "password_file %s/passwords\n"
                  "acl_file %s/acl\n\n",
                  conf->dir, conf->dir);
    rw_buf_printf(out, "# What waits for a phone or a bridge that is away outlives the broker. A "
                       "power cut may\n"
                       "# cost what came in the last half minute and was not passed on.\n"
                       "persistence true\n"
                       "autosave_interval 30\n\n"
                       "# It waits in memory: 10000 events are about 120 MB. Who stays away for "
                       "two weeks is forgotten.\n"
                       "max_queued_messages 10000\n"
                       "persistent_client_expiration 14d\n\n"
                       "max_packet_size 4194304\n"
                       "set_tcp_nodelay true\n");
}

void rw_bridge_conf_write(struct rw_buf *out, const struct rw_bridge_conf *conf)
{
    static const struct {
        const char *topic, *way;
        int qos;
    } topics[] = {
        {"status", "out", 1},     {"escalate", "out", 1},    {"ledger", "out", 1},
        {"+/status", "out", 1},   {"+/armed", "out", 1},     {"+/event", "out", 1},
        {"+/digest", "out", 1},   {"+/snapshot", "out", 0},  {"+/clip/+", "out", 0},
        {"event/+/ack", "in", 1}, {"+/snooze/set", "in", 1},
    };
    bool colons = strchr(conf->host, ':'); /* IPv6 */
    rw_buf_printf(out,
                  "# %s's alerts go on to the commune's broker. Written by \"roadwatch broker "
                  "join\".\n\n"
                  "connection %s\n"
                  "address %s%s%s:%d\n"
                  "bridge_cafile %s\n"
                  "remote_username %s\n"
                  "remote_password %s\n"
                  "remote_clientid bridge-%s\n"
                  "local_clientid bridge-%s-local\n\n",
                  conf->site, conf->site, colons ? "[" : "", conf->host, colons ? "]" : "",
                  conf->port, conf->ca_file, conf->username, conf->password, conf->site,
                  conf->site);
    rw_buf_printf(out,
                  "# What cannot be sent waits, also over a restart.\n"
                  "cleansession false\n"
                  "keepalive_interval 30\n"
                  "restart_timeout 2 30\n\n"
                  "# Retained at both brokers: 1 while the link is up, 0 when it is lost.\n"
                  "notification_topic %s/%s/link\n\n"
                  "# Words wait for the link (QoS 1); pictures and clips do not (QoS 0). From the "
                  "commune come\n"
                  "# acknowledgements and snoozes, nothing else.\n",
                  conf->prefix, conf->site);
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        rw_buf_printf(out, "topic %s %s %d %s/%s/ %s/%s/\n", topics[i].topic, topics[i].way,
                      topics[i].qos, conf->prefix, conf->site, conf->prefix, conf->site);
}
