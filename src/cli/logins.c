#include "cli/logins.h"

#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"

enum {
    LETTERS = 16,
    GROUP = 4,
    /* As mosquitto_passwd writes it. The strength is in the password, and the broker reckons
     * this at every connection. */
    ROUNDS = 101,
    SALT_SIZE = 12,
    HASH_SIZE = 64,
};

void rw_password_make(char out[RW_PASSWORD_SIZE])
{
    static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
    uint8_t random[LETTERS];
    rw_random(random, sizeof random);
    char *at = out;
    for (int i = 0; i < LETTERS; i++) {
        if (i && i % GROUP == 0)
            *at++ = '-';
        *at++ = alphabet[random[i] % 32];
    }
    *at = 0;
    explicit_bzero(random, sizeof random);
}

void rw_password_line(struct rw_buf *out, const char *name, const char *password)
{
    uint8_t salt[SALT_SIZE], hash[HASH_SIZE];
    unsigned char salt_text[SALT_SIZE * 2], hash_text[HASH_SIZE * 2];
    rw_random(salt, sizeof salt);
    if (!PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, sizeof salt, ROUNDS, EVP_sha512(),
                           sizeof hash, hash))
        abort(); /* no memory */
    EVP_EncodeBlock(salt_text, salt, sizeof salt);
    EVP_EncodeBlock(hash_text, hash, sizeof hash);
    rw_buf_printf(out, "%s:$7$%d$%s$%s\n", name, ROUNDS, (char *)salt_text, (char *)hash_text);
}

/* --- what each may do --- */

struct rule {
    const char *may, *topic; /* topic: below the base; one that begins with / is whole */
};

static const struct rule box_rules[] = {
    {"write", "#"},          {"read", "event/+/ack"},           {"read", "+/snooze/set"},
    {"read", "+/armed/set"}, {"readwrite", "/homeassistant/#"}, {NULL, NULL},
};
static const struct rule village_rules[] = {
    {"write", "#"}, {"read", "event/+/ack"}, {"read", "+/snooze/set"}, {"read", "+/armed/set"},
    {NULL, NULL},
};
static const struct rule phone_rules[] = {
    {"read", "#"},
    {"write", "event/+/ack"},
    {"write", "+/snooze/set"},
    {NULL, NULL},
};
static const struct rule home_rules[] = {
    {"read", "#"},
    {"write", "event/+/ack"},
    {"write", "+/snooze/set"},
    {"write", "+/armed/set"},
    {"read", "/homeassistant/#"},
    {"write", "/homeassistant/status"},
    {NULL, NULL},
};

static const struct {
    const char *who;
    const struct rule *rules;
} kinds[] = {
    [RW_LOGIN_BOX] = {"the box", box_rules},
    [RW_LOGIN_VILLAGE] = {"a village", village_rules},
    [RW_LOGIN_PHONE] = {"a phone", phone_rules},
    [RW_LOGIN_HOME] = {"Home Assistant", home_rules},
};

void rw_access_add(struct rw_buf *out, enum rw_login_kind kind, const char *name, const char *base)
{
    rw_buf_printf(out, "user %s\n# %s\n", name, kinds[kind].who);
    for (const struct rule *rule = kinds[kind].rules; rule->may; rule++)
        if (*rule->topic == '/')
            rw_buf_printf(out, "topic %s %s\n", rule->may, rule->topic + 1);
        else
            rw_buf_printf(out, "topic %s %s/%s\n", rule->may, base, rule->topic);
    rw_buf_printf(out, "\n");
}

/* --- taking one out --- */

static bool line_begins(const char *line, const char *word, const char *name, char end)
{
    size_t head = strlen(word), length = strlen(name);
    return !strncmp(line, word, head) && !strncmp(line + head, name, length) &&
           (line[head + length] == end || (end == '\n' && !line[head + length]));
}

static const char *line_end(const char *line)
{
    const char *newline = strchr(line, '\n');
    return newline ? newline + 1 : line + strlen(line);
}

bool rw_passwords_without(const char *text, const char *name, struct rw_buf *out)
{
    bool found = false;
    for (const char *line = text, *end; *line; line = end) {
        end = line_end(line);
        bool this = line_begins(line, "", name, ':');
        if (!this)
            rw_buf_add(out, line, (size_t)(end - line));
        found |= this;
    }
    return found;
}

/* A login's part ends where another's begins, or what holds for all. */
bool rw_access_without(const char *text, const char *name, struct rw_buf *out)
{
    bool found = false, inside = false;
    for (const char *line = text, *end; *line; line = end) {
        end = line_end(line);
        if (!strncmp(line, "user ", 5) || !strncmp(line, "pattern ", 8))
            inside = line_begins(line, "user ", name, '\n');
        if (!inside)
            rw_buf_add(out, line, (size_t)(end - line));
        found |= inside;
    }
    return found;
}
