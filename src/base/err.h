/* An error is a code for the program and a sentence for the person, made where it happened and
 * logged where it is handled, once. */
#pragma once

enum rw_code {
    RW_OK = 0,
    RW_EINVAL,    /* the caller or the configuration asks for something impossible */
    RW_EIO,       /* the disk refused */
    RW_ENOSPC,    /* no room */
    RW_EROFS,     /* the disk is read-only */
    RW_ENET,      /* the other side cannot be reached or went away */
    RW_EAUTH,     /* the other side refused the login */
    RW_ETIMEOUT,  /* the deadline passed */
    RW_EFORMAT,   /* the bytes are not what they should be */
    RW_EBUSY,     /* somebody else holds it */
    RW_EFOREIGN,  /* it belongs to another box, camera or ring */
    RW_ENOTFOUND, /* it is not there */
    RW_EFULL,     /* a bounded queue is full */
    RW_ECANCELED, /* the caller gave up */
    RW_EEND,      /* the end of the input */
    RW_ENOMEM,
    RW_ERESTLESS, /* it changes more often than can be followed */
    RW_EHOSTILE,  /* the other side sends what no honest one would */
};

struct rw_err {
    enum rw_code code;
    char text[320]; /* one sentence, UTF-8, without a secret, without a line end */
};

/* Fills *err (which may be NULL) and returns -1, so that a caller can `return rw_fail(…)`. */
int rw_fail(struct rw_err *err, enum rw_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the sentence already in *err. Returns -1. */
int rw_fail_in(struct rw_err *err, const char *prefix);

/* The code that fits an errno value. */
enum rw_code rw_code_of_errno(int errnum);
