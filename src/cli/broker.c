/* broker: which of its commands, and the logins that are added and removed one by one. */
#include "cli/broker.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* --- the two files that make a login --- */

/* What there is without this login; added: behind it. */
static int rewrite(const struct rw_broker_place *place, const char *file, const char *name,
                   const struct rw_buf *added, bool *found, struct rw_err *err)
{
    char path[PATH_MAX];
    struct rw_buf was = {0}, text = {0};
    int status = rw_broker_load(place, file, &was, err);
    if (!status) {
        const char *old = (const char *)was.data;
        *found = !strcmp(file, "acl") ? rw_access_without(old, name, &text)
                                      : rw_passwords_without(old, name, &text);
        rw_buf_add(&text, added->data, added->size);
        status = rw_broker_write(rw_broker_path(place, file, path), &text, RW_FOR_BROKER, err);
    }
    rw_buf_finish(&was);
    rw_buf_finish(&text);
    return status;
}

int rw_login_write(const struct rw_broker_place *place, const struct rw_login *login,
                   struct rw_err *err)
{
    bool ignored;
    struct rw_buf access = {0}, line = {0};
    rw_access_add(&access, login->kind, login->name, login->base);
    rw_password_line(&line, login->name, login->password);
    int status = rewrite(place, "acl", login->name, &access, &ignored, err);
    if (!status)
        status = rewrite(place, "passwords", login->name, &line, &ignored, err);
    rw_buf_finish(&access);
    rw_buf_finish(&line);
    return status;
}

static int login_known(const struct rw_broker_place *place, const char *name, bool *known,
                       struct rw_err *err)
{
    struct rw_buf text = {0}, rest = {0};
    int status = rw_broker_load(place, "passwords", &text, err);
    *known = !status && rw_passwords_without((const char *)text.data, name, &rest);
    rw_buf_finish(&text);
    rw_buf_finish(&rest);
    return status;
}

/* --- phone, home, village --- */

static void print_words(const struct rw_broker_place *place, const struct rw_login *login)
{
    char host[RW_HOSTS_SIZE];
    printf("host      %s, port %d, with TLS", rw_broker_host(place, host), place->port);
    if (place->websockets)
        printf(" (websockets: port %d)", place->websockets);
    printf("\nauthority %s/ca.crt\nusername  %s\npassword  %s\ntopics    %s/#\n", place->folder,
           login->name, login->password, login->base);
    puts("The password is not shown again. Now: systemctl reload mosquitto");
}

static int print_json(const struct rw_broker_place *place, const struct rw_login *login,
                      const char *site, struct rw_err *err)
{
    char host[RW_HOSTS_SIZE];
    struct rw_buf ca = {0};
    int status = rw_broker_load(place, "ca.crt", &ca, err);
    if (!status) {
        json_t *json = json_pack("{s:s, s:i, s:i, s:s, s:s, s:s, s:s, s:s, s:s}", "host",
                                 rw_broker_host(place, host), "port", place->port, "websockets",
                                 place->websockets, "username", login->name, "password",
                                 login->password, "prefix", place->prefix, "site", site, "topics",
                                 login->base, "ca", (const char *)ca.data);
        json_dumpf(json, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(json);
    }
    rw_buf_finish(&ca);
    return status;
}

/* "": of all sites. NULL after a complaint. */
static const char *site_of(const struct rw_broker_place *place,
                           const struct rw_arguments *arguments, enum rw_login_kind kind)
{
    const char *site = kind == RW_LOGIN_VILLAGE ? arguments->name
                       : arguments->site        ? arguments->site
                                                : place->site;
    if (*place->site && strcmp(site, place->site))
        rw_complain(1, "this is the broker of %s; %s belongs to the commune's", place->site, site);
    else if (*place->site && kind == RW_LOGIN_VILLAGE)
        rw_complain(1, "this is the broker of %s; villages get their logins at the commune's",
                    place->site);
    else if (*site && !rw_id_valid(site))
        rw_complain(2, "\"%s\" is no site's id: 1 to 32 of a-z, digits and hyphens", site);
    else
        return site;
    return NULL;
}

static int check_name(const struct rw_broker_place *place, const struct rw_arguments *arguments)
{
    bool known;
    struct rw_err err;
    const char *name = arguments->name;
    if (!rw_id_valid(name))
        return rw_complain(2, "\"%s\" is no login's name: 1 to 32 of a-z, digits and hyphens",
                           name);
    if (!strcmp(name, place->site))
        return rw_complain(1, "%s is the box's own login; choose another name", name);
    if (login_known(place, name, &known, &err))
        return rw_complain(1, "%s", err.text);
    if (known && !arguments->replace)
        return rw_complain(1,
                           "there is a login %s already, and nothing was changed; with --replace "
                           "it gets a new password",
                           name);
    return 0;
}

static int add(const struct rw_arguments *arguments, enum rw_login_kind kind)
{
    struct rw_broker_place place = {0};
    struct rw_err err;
    char base[128], password[RW_PASSWORD_SIZE];
    int status = rw_broker_find(&place, arguments);
    if (status)
        return status;
    if (rw_broker_read(&place, &err))
        return rw_complain(1, "%s", err.text);
    status = check_name(&place, arguments);
    const char *site = status ? NULL : site_of(&place, arguments, kind);
    if (!site)
        return status ? status : 1;
    snprintf(base, sizeof base, "%s/%s", place.prefix, *site ? site : "+");
    rw_password_make(password);
    struct rw_login login = {kind, arguments->name, base, password};
    if (rw_login_write(&place, &login, &err) ||
        (arguments->json && print_json(&place, &login, site, &err)))
        status = rw_complain(1, "%s", err.text);
    else if (!arguments->json)
        print_words(&place, &login);
    explicit_bzero(password, sizeof password);
    return status;
}

static int add_phone(const struct rw_arguments *arguments)
{
    return add(arguments, RW_LOGIN_PHONE);
}

static int add_home(const struct rw_arguments *arguments)
{
    return add(arguments, RW_LOGIN_HOME);
}

static int add_village(const struct rw_arguments *arguments)
{
    return add(arguments, RW_LOGIN_VILLAGE);
}

/* --- remove --- */

static int take_away(const struct rw_arguments *arguments)
{
    struct rw_broker_place place = {0};
    struct rw_err err;
    struct rw_buf none = {0};
    bool found = false, ignored;
    int status = rw_broker_find(&place, arguments);
    if (status)
        return status;
    if (rw_broker_read(&place, &err))
        return rw_complain(1, "%s", err.text);
    if (!strcmp(arguments->name, place.site))
        return rw_complain(1, "%s is the box's own login; it stays", place.site);
    if (rewrite(&place, "passwords", arguments->name, &none, &found, &err) ||
        rewrite(&place, "acl", arguments->name, &none, &ignored, &err))
        return rw_complain(1, "%s", err.text);
    if (!found)
        return rw_complain(1, "there is no login %s in %s/passwords", arguments->name,
                           place.folder);
    printf("%s is gone. Now: systemctl reload mosquitto\n", arguments->name);
    return 0;
}

/* --- which --- */

int rw_command_broker(const struct rw_arguments *arguments)
{
    static const struct {
        const char *word, *operand;
        int (*run)(const struct rw_arguments *arguments);
    } words[] = {
        {"setup", NULL, rw_broker_setup}, {"phone", "NAME", add_phone},
        {"home", "NAME", add_home},       {"remove", "NAME", take_away},
        {"village", "SITE", add_village}, {"join", "FILE", rw_broker_join},
    };
    const char *asked = arguments->operand;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(asked, words[i].word))
            continue;
        if (words[i].operand && !arguments->name)
            return rw_complain(2, "broker %s needs %s; see roadwatch broker --help", asked,
                               words[i].operand);
        if (!words[i].operand && arguments->name)
            return rw_complain(2, "broker %s does not take \"%s\"; see roadwatch broker --help",
                               asked, arguments->name);
        return words[i].run(arguments);
    }
    return rw_complain(2,
                       "broker does not know \"%s\"; it knows setup, phone, home, remove, village "
                       "and join",
                       asked);
}
