/* A YAML document as a tree that remembers its lines. Strict where YAML is generous: one document,
 * no anchors, aliases or tags, no key twice, text keys, one line of printable UTF-8 a value. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "config/reading.h"

enum { RW_TREE_DEPTH_MAX = 12, RW_TREE_KEYS_MAX = 64, RW_TREE_LIST_MAX = 1024 };

enum rw_node_kind { RW_NODE_SCALAR, RW_NODE_LIST, RW_NODE_MAP };

struct rw_node {
    enum rw_node_kind kind;
    int line;    /* from 1: of its key where it has one, else of its first character */
    char *key;   /* owned; NULL in a list and at the root */
    char *text;  /* owned; scalars only */
    bool quoted; /* scalars only: it stood in quotes */
    int count;   /* of children */
    struct rw_node *first, *last, *next; /* first, last: children, owned; next: sibling */
    const struct rw_node *parent;
};

/* NULL on failure. The result is the caller's until rw_tree_free(). */
struct rw_node *rw_tree_parse(const struct rw_reading *reading, const void *bytes, size_t size);
void rw_tree_free(struct rw_node *root); /* takes NULL; the text is wiped */

/* The child with this key; NULL: there is none, or node is NULL or no mapping. */
const struct rw_node *rw_node_get(const struct rw_node *node, const char *key);
/* "cameras[gate].main.keep": an entry of a list goes by its id or name, else by its number from 1.
 * The root is "the file". Shows at most the beginning of what was meant as a key. */
void rw_node_where(const struct rw_node *node, char *out, size_t size);
/* Nothing stands behind the key, or null. */
bool rw_node_empty(const struct rw_node *node);
/* A value for a sentence: at most 40 bytes of it, whole characters. */
const char *rw_node_shown(const struct rw_node *node, char out[48]);
