/* The logins of a mosquitto broker: its password file, and the access list that says what each may
 * read and write. Texts in, texts out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { RW_PASSWORD_SIZE = 20 };

/* Sixteen random characters of Crockford's base 32, 80 bits, in groups that can be typed. */
void rw_password_make(char out[RW_PASSWORD_SIZE]);
/* One line of a password file: name:$7$… (PBKDF2 with HMAC-SHA-512, mosquitto 2.0). */
void rw_password_line(struct rw_buf *out, const char *name, const char *password);

enum rw_login_kind {
    RW_LOGIN_BOX,     /* a site's box at the site's own broker */
    RW_LOGIN_VILLAGE, /* a site's bridge, or its box, at the commune's broker */
    RW_LOGIN_PHONE,   /* reads, acknowledges, snoozes */
    RW_LOGIN_HOME,    /* Home Assistant: a phone that also arms */
};

/* The login's part of the access list. base: "<prefix>/<site>", or "<prefix>/+". */
void rw_access_add(struct rw_buf *out, enum rw_login_kind kind, const char *name, const char *base);

/* Copies of such files without one login. True: it was there. */
bool rw_passwords_without(const char *text, const char *name, struct rw_buf *out);
bool rw_access_without(const char *text, const char *name, struct rw_buf *out);
