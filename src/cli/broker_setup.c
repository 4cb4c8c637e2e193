/* broker setup, broker join: the files of a broker, and of its bridge to the commune's. */
#include "cli/broker.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/broker_conf.h"
#include "cli/certificate.h"
#include "cli/logins.h"

enum { PORT = 8883, WEBSOCKETS = 8884, JOINING_MAX = 65536 };

/* One run of setup. */
struct setup {
    const struct rw_arguments *arguments;
    struct rw_broker_place place;
    struct rw_broker_place was;   /* as it was set up before */
    bool known;                   /* was is */
    char password_path[PATH_MAX]; /* the box's, beside its configuration; "": a commune's */
    char conf_path[PATH_MAX];
};

/* --- what was asked for --- */

static int take_port(const char *option, const char *text, int least, int *port)
{
    size_t digits = text ? strspn(text, "0123456789") : 0;
    int value = text && digits && digits <= 5 && !text[digits] ? atoi(text) : -1;
    if (text && (value < least || value > 65535))
        return rw_complain(2, "--%s is a port's number, not \"%s\"", option, text);
    *port = text ? value : *port;
    return 0;
}

/* Those that are given, else those of the set-up that is replaced, else this machine's name. */
static int take_hosts(struct setup *setup)
{
    struct rw_err err;
    struct rw_broker_place *place = &setup->place;
    const char *hosts = setup->arguments->host;
    if (hosts && rw_hosts_check(hosts, &err))
        return rw_complain(2, "--host: %s", err.text);
    if (hosts)
        strcpy(place->hosts, hosts);
    else if (setup->known)
        strcpy(place->hosts, setup->was.hosts);
    else if (gethostname(place->hosts, sizeof place->hosts - 1) ||
             rw_hosts_check(place->hosts, &err))
        return rw_complain(2, "this machine has no name of its own; give --host NAME, by which "
                              "phones reach it");
    return 0;
}

static int take_site(struct setup *setup)
{
    struct rw_err err;
    struct rw_broker_place *place = &setup->place;
    strcpy(place->prefix, "roadwatch");
    if (setup->arguments->commune)
        return 0;
    struct rw_config *config = rw_arguments_config(setup->arguments, &err);
    if (!config)
        return rw_complain(1, "%s", err.text);
    const char *path = setup->arguments->config_path, *slash = strrchr(path, '/');
    rw_copy_text(place->site, sizeof place->site, config->site.id);
    bool fits = strlen(config->mqtt.prefix) < sizeof place->prefix;
    rw_copy_text(place->prefix, sizeof place->prefix, config->mqtt.prefix);
    snprintf(setup->password_path, sizeof setup->password_path, "%.*smqtt.pw",
             slash ? (int)(slash - path + 1) : 0, path);
    rw_config_free(config);
    return fits ? 0 : rw_complain(1, "mqtt.prefix is too long; a word is enough");
}

static int take_arguments(struct setup *setup)
{
    struct rw_broker_place *place = &setup->place;
    int status = rw_broker_find(place, setup->arguments);
    if (status)
        return status;
    setup->was = *place;
    setup->known = !rw_broker_read(&setup->was, NULL);
    place->port = setup->known ? setup->was.port : PORT;
    place->websockets = setup->known ? setup->was.websockets : WEBSOCKETS;
    status = take_port("port", setup->arguments->port, 1, &place->port);
    if (!status)
        status = take_port("websockets", setup->arguments->websockets, 0, &place->websockets);
    if (!status && place->port == place->websockets)
        status = rw_complain(2, "--port and --websockets must not be the same");
    if (!status)
        status = take_hosts(setup);
    if (!status)
        status = take_site(setup);
    snprintf(setup->conf_path, sizeof setup->conf_path, "%s/conf.d/roadwatch.conf", place->dir);
    return status;
}

/* --- what is there already --- */

static bool is_there(const struct setup *setup, const char *name)
{
    char path[PATH_MAX];
    return !access(rw_broker_path(&setup->place, name, path), F_OK);
}

static int refuse_to_overwrite(const struct setup *setup)
{
    static const char *const names[] = {"ca.crt",    "ca.key", "server.crt", "server.key",
                                        "passwords", "acl",    "setup.json"};
    char path[PATH_MAX] = "";
    for (size_t i = 0; i < sizeof names / sizeof *names && !*path; i++)
        if (is_there(setup, names[i]))
            rw_broker_path(&setup->place, names[i], path);
    if (!*path && !access(setup->conf_path, F_OK))
        strcpy(path, setup->conf_path);
    if (!*path && *setup->password_path && !access(setup->password_path, F_OK))
        strcpy(path, setup->password_path);
    if (*path)
        return rw_complain(1,
                           "%s is there already, and nothing was changed; with --replace the "
                           "settings and the broker's certificate are made anew, and the "
                           "authority and all logins stay",
                           path);
    return 0;
}

/* A folder of another site has its logins. */
static int refuse_other_site(const struct setup *setup, struct rw_err *err)
{
    const struct rw_broker_place *was = &setup->was;
    if (!setup->known ||
        (!strcmp(was->site, setup->place.site) && !strcmp(was->prefix, setup->place.prefix)))
        return 0;
    return rw_fail(err, RW_EFOREIGN,
                   "%s is the set-up of %s/%s and its logins are for that; give another --dir, or "
                   "move it away",
                   was->folder, was->prefix, *was->site ? was->site : "a commune");
}

/* --- the files --- */

static int write_named(const struct setup *setup, const char *name, const struct rw_buf *text,
                       enum rw_readable who, struct rw_err *err)
{
    char path[PATH_MAX];
    return rw_broker_write(rw_broker_path(&setup->place, name, path), text, who, err);
}

/* The one that is there, or a new one. */
static int have_authority(const struct setup *setup, struct rw_certificate *authority,
                          struct rw_err *err)
{
    char name[64];
    if (is_there(setup, "ca.crt") || is_there(setup, "ca.key"))
        return rw_broker_load(&setup->place, "ca.crt", &authority->cert, err) ||
                       rw_broker_load(&setup->place, "ca.key", &authority->key, err)
                   ? -1
                   : 0;
    snprintf(name, sizeof name, "Roadwatch %s", *setup->place.site ? setup->place.site : "commune");
    if (rw_authority_make(name, authority, err) ||
        write_named(setup, "ca.key", &authority->key, RW_FOR_ROOT, err))
        return -1;
    return write_named(setup, "ca.crt", &authority->cert, RW_FOR_ALL, err);
}

static int write_certificates(const struct setup *setup, struct rw_err *err)
{
    struct rw_certificate authority, server;
    rw_certificate_init(&authority);
    rw_certificate_init(&server);
    int status = have_authority(setup, &authority, err);
    if (!status)
        status = rw_certificate_make(&authority, setup->place.hosts, &server, err);
    if (!status)
        status = write_named(setup, "server.key", &server.key, RW_FOR_BROKER, err);
    if (!status)
        status = write_named(setup, "server.crt", &server.cert, RW_FOR_ALL, err);
    rw_certificate_finish(&server);
    rw_certificate_finish(&authority);
    return status;
}

static int begin_lists(const struct setup *setup, struct rw_err *err)
{
    struct rw_buf text = {0};
    int status = 0;
    if (!is_there(setup, "passwords"))
        status = write_named(setup, "passwords", &text, RW_FOR_BROKER, err);
    rw_buf_printf(&text, "# Who may read and write what. Written by \"roadwatch broker\".\n\n");
    if (!status && !is_there(setup, "acl"))
        status = write_named(setup, "acl", &text, RW_FOR_BROKER, err);
    rw_buf_finish(&text);
    return status;
}

/* The box's own login, unless it has one. */
static int write_box_login(const struct setup *setup, struct rw_err *err)
{
    char base[128], password[RW_PASSWORD_SIZE];
    const struct rw_broker_place *place = &setup->place;
    if (!*setup->password_path || !access(setup->password_path, F_OK))
        return 0;
    struct rw_buf text = {0};
    struct rw_login login = {RW_LOGIN_BOX, place->site, base, password};
    snprintf(base, sizeof base, "%s/%s", place->prefix, place->site);
    rw_password_make(password);
    rw_buf_printf(&text, "%s\n", password);
    int status = rw_login_write(place, &login, err);
    if (!status)
        status = rw_broker_write(setup->password_path, &text, RW_FOR_SERVICE, err);
    explicit_bzero(text.data, text.size);
    explicit_bzero(password, sizeof password);
    rw_buf_finish(&text);
    return status;
}

/* Last, so that mosquitto never finds half of it. */
static int write_conf(const struct setup *setup, struct rw_err *err)
{
    const struct rw_broker_place *place = &setup->place;
    struct rw_buf text = {0};
    struct rw_broker_conf conf = {place->folder, place->port, place->websockets};
    rw_broker_conf_write(&text, &conf);
    int status = rw_broker_write(setup->conf_path, &text, RW_FOR_ALL, err);
    rw_buf_finish(&text);
    return status;
}

static void print_done(const struct setup *setup)
{
    const struct rw_broker_place *place = &setup->place;
    printf("The broker is set up in %s. Now: systemctl restart mosquitto\n", place->folder);
    if (!*place->site) {
        puts("Each village gets a login:  roadwatch broker village SITE --json > SITE.json\n"
             "Each phone too:             roadwatch broker phone NAME --site SITE");
        return;
    }
    printf("In %s:\n\nmqtt:\n  host: localhost\n", setup->arguments->config_path);
    if (place->port != PORT)
        printf("  port: %d\n", place->port);
    printf("  ca_file: %s/ca.crt\n  username: %s\n  password_file: mqtt.pw\n", place->folder,
           place->site);
    if (strcmp(place->prefix, "roadwatch"))
        printf("  prefix: %s\n", place->prefix);
    puts("\nEach phone gets a login:  roadwatch broker phone NAME");
}

int rw_broker_setup(const struct rw_arguments *arguments)
{
    struct setup setup = {.arguments = arguments};
    struct rw_err err;
    int status = take_arguments(&setup);
    if (!status && !arguments->replace)
        status = refuse_to_overwrite(&setup);
    if (status)
        return status;
    if (refuse_other_site(&setup, &err) || write_certificates(&setup, &err) ||
        begin_lists(&setup, &err) || write_box_login(&setup, &err) ||
        rw_broker_keep(&setup.place, &err) || write_conf(&setup, &err))
        return rw_complain(1, "%s", err.text);
    print_done(&setup);
    return 0;
}

/* --- join --- */

/* What "broker village --json" wrote at the commune; it came on a stick and may be anything. */
struct joining {
    char site[40], prefix[64], host[RW_HOSTS_SIZE], username[40], password[64], ca[8192];
    int port;
};

static bool plain(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

static int read_joining(const char *path, struct joining *out, struct rw_err *err)
{
    struct rw_buf text = {0};
    if (rw_file_read(path, JOINING_MAX, &text, err)) {
        rw_buf_finish(&text);
        return -1;
    }
    json_t *json = json_loadb((const char *)text.data, text.size, 0, NULL);
    out->port = (int)json_integer_value(json_object_get(json, "port"));
    bool good = rw_json_copy_text(json, "site", out->site, sizeof out->site) &&
                rw_json_copy_text(json, "prefix", out->prefix, sizeof out->prefix) &&
                rw_json_copy_text(json, "host", out->host, sizeof out->host) &&
                rw_json_copy_text(json, "username", out->username, sizeof out->username) &&
                rw_json_copy_text(json, "password", out->password, sizeof out->password) &&
                rw_json_copy_text(json, "ca", out->ca, sizeof out->ca) && out->port > 0 &&
                out->port < 65536 && !strchr(out->host, ',') && !rw_hosts_check(out->host, NULL) &&
                rw_id_valid(out->username) && *out->password && plain(out->password);
    json_decref(json);
    explicit_bzero(text.data, text.size);
    rw_buf_finish(&text);
    return good ? 0
                : rw_fail(err, RW_EFORMAT,
                          "%s is not what \"roadwatch broker village SITE --json\" wrote at the "
                          "commune",
                          path);
}

static int check_joining(const struct rw_broker_place *place, const struct joining *joining,
                         const char *path, struct rw_err *err)
{
    if (!*place->site)
        return rw_fail(err, RW_EINVAL,
                       "%s is a commune's broker; join is for a village's, which then sends to it",
                       place->folder);
    if (strcmp(place->site, joining->site))
        return rw_fail(err, RW_EFOREIGN, "%s is for the village %s, and this is %s", path,
                       joining->site, place->site);
    if (strcmp(place->prefix, joining->prefix))
        return rw_fail(err, RW_EINVAL,
                       "the commune's topics begin with %s and this village's with %s; set "
                       "mqtt.prefix to the commune's",
                       joining->prefix, place->prefix);
    return 0;
}

static int write_bridge(const struct rw_broker_place *place, const struct joining *joining,
                        const char *conf_path, struct rw_err *err)
{
    char ca_path[PATH_MAX];
    struct rw_buf text = {0};
    rw_buf_printf(&text, "%s", joining->ca);
    int status =
        rw_broker_write(rw_broker_path(place, "commune.crt", ca_path), &text, RW_FOR_ALL, err);
    rw_buf_clear(&text);
    struct rw_bridge_conf conf = {ca_path,     joining->host,     joining->port,    place->prefix,
                                  place->site, joining->username, joining->password};
    rw_bridge_conf_write(&text, &conf);
    if (!status)
        status = rw_broker_write(conf_path, &text, RW_FOR_BROKER, err);
    explicit_bzero(text.data, text.size);
    rw_buf_finish(&text);
    return status;
}

int rw_broker_join(const struct rw_arguments *arguments)
{
    struct rw_broker_place place = {0};
    struct joining joining;
    struct rw_err err;
    char conf_path[PATH_MAX];
    int status = rw_broker_find(&place, arguments);
    if (status)
        return status;
    snprintf(conf_path, sizeof conf_path, "%s/conf.d/roadwatch-bridge.conf", place.dir);
    if (!arguments->replace && !access(conf_path, F_OK))
        return rw_complain(1,
                           "%s is there already, and nothing was changed; with --replace it is "
                           "written anew",
                           conf_path);
    if (rw_broker_read(&place, &err) || read_joining(arguments->name, &joining, &err) ||
        check_joining(&place, &joining, arguments->name, &err) ||
        write_bridge(&place, &joining, conf_path, &err))
        status = rw_complain(1, "%s", err.text);
    else
        printf("Alerts of %s go on to %s:%d. Now: systemctl restart mosquitto\n"
               "%s has a password in it: remove it.\n",
               place.site, joining.host, joining.port, arguments->name);
    explicit_bzero(&joining, sizeof joining);
    return status;
}
