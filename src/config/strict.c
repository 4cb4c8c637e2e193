/* libcyaml alone is too generous ("b: maybe" is true, "port: 1e3" is 1) and its sentences quote
 * values. This pass walks the same rows and refuses first. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "config/schema.h"

/* The nearest node that stands under a key, be it that the one given is an entry of its list. NULL:
 * the root. */
static const struct rw_node *keyed(const struct rw_node *node)
{
    while (node && !node->key)
        node = node->parent;
    return node;
}

static const char *key_above(const struct rw_node *node)
{
    const struct rw_node *at = keyed(node);
    return at ? at->key : "";
}

static const char *example_of(const struct rw_node *node)
{
    const struct rw_node *at = keyed(node);
    const char *example = rw_schema_example_in(key_above(at ? at->parent : NULL), key_above(at));
    return example ? example : rw_schema_example("site");
}

static int refuse_kind(const struct rw_reading *reading, const struct rw_node *node,
                       const char *should)
{
    if (!node->parent)
        return rw_fail_on_line(reading, node->line,
                               "the file must be sections such as site:, "
                               "storage: and cameras:");
    if (rw_node_empty(node))
        return rw_fail_at(reading, node, "has no value; write for example %s: %s", key_above(node),
                          example_of(node));
    return rw_fail_at(reading, node, "must be %s; write for example %s: %s", should,
                      key_above(node), example_of(node));
}

static int check_text(const struct rw_reading *reading, const struct rw_node *node,
                      const cyaml_schema_value_t *value)
{
    size_t size = strlen(node->text);
    if (size < value->string.min)
        return rw_fail_at(reading, node, "is empty; write for example %s: %s", key_above(node),
                          example_of(node));
    if (size > value->string.max)
        return rw_fail_at(reading, node, "is longer than %u bytes", value->string.max);
    return 0;
}

/* Plain decimals only, few enough for an int. */
static bool is_whole_number(const struct rw_node *node)
{
    const char *digits = node->text + (*node->text == '-');
    size_t count = strspn(digits, "0123456789");
    return !node->quoted && count >= 1 && count <= 9 && !digits[count] &&
           (*digits != '0' || count == 1);
}

static bool is_number(const struct rw_node *node)
{
    char *end;
    return !node->quoted && strspn(node->text, "+-.0123456789eE") == strlen(node->text) &&
           isfinite(strtod(node->text, &end)) && end != node->text && !*end;
}

static bool is_bool(const struct rw_node *node)
{
    return !node->quoted && (!strcmp(node->text, "true") || !strcmp(node->text, "false"));
}

static int check_choice(const struct rw_reading *reading, const struct rw_node *node,
                        const cyaml_schema_value_t *value)
{
    const cyaml_strval_t *strings = value->enumeration.strings;
    char choices[80] = "", shown[48];
    for (uint32_t i = 0; i < value->enumeration.count; i++) {
        if (!strcmp(node->text, strings[i].str))
            return 0;
        size_t used = strlen(choices);
        snprintf(choices + used, sizeof choices - used, "%s%s", i ? " or " : "", strings[i].str);
    }
    return rw_fail_at(reading, node, "must be %s, not \"%s\"", choices, rw_node_shown(node, shown));
}

static int check_scalar(const struct rw_reading *reading, const struct rw_node *node,
                        const cyaml_schema_value_t *value)
{
    char shown[48];
    if (node->kind != RW_NODE_SCALAR || rw_node_empty(node))
        return refuse_kind(reading, node, "a single value");
    switch (value->type) {
    case CYAML_STRING:
        return check_text(reading, node, value);
    case CYAML_ENUM:
        return check_choice(reading, node, value);
    case CYAML_BOOL:
        return is_bool(node) ? 0
                             : rw_fail_at(reading, node, "must be true or false, not \"%s\"",
                                          rw_node_shown(node, shown));
    case CYAML_INT:
        return is_whole_number(node)
                   ? 0
                   : rw_fail_at(reading, node,
                                "must be a whole number without quotes such as %s, not \"%s\"",
                                example_of(node), rw_node_shown(node, shown));
    default:
        return is_number(node) ? 0
                               : rw_fail_at(reading, node,
                                            "must be a number without quotes such as 0.4, "
                                            "not \"%s\"",
                                            rw_node_shown(node, shown));
    }
}

static int check_value(const struct rw_reading *reading, const struct rw_node *node,
                       const cyaml_schema_value_t *value);

static int check_list(const struct rw_reading *reading, const struct rw_node *node,
                      const cyaml_schema_value_t *value)
{
    if (node->kind != RW_NODE_LIST)
        return refuse_kind(reading, node, "a list");
    uint32_t count = (uint32_t)node->count, min = value->sequence.min, max = value->sequence.max;
    if (min == max && count != min)
        return rw_fail_at(reading, node, "has %u entries and needs %u, for example %s: %s", count,
                          min, key_above(node), example_of(node));
    if (count < min)
        return rw_fail_at(reading, node, "has %u entries and needs %u or more, for example %s: %s",
                          count, min, key_above(node), example_of(node));
    if (count > max)
        return rw_fail_at(reading, node, "has %u entries; at most %u are allowed", count, max);
    for (const struct rw_node *entry = node->first; entry; entry = entry->next)
        if (check_value(reading, entry, value->sequence.entry))
            return -1;
    return 0;
}

static const cyaml_schema_field_t *find_row(const cyaml_schema_field_t *rows, const char *key)
{
    for (; rows->key; rows++)
        if (!strcmp(rows->key, key))
            return rows;
    return NULL;
}

static int refuse_key(const struct rw_reading *reading, const struct rw_node *node,
                      const cyaml_schema_field_t *rows)
{
    struct rw_buf keys = {0};
    for (int i = 0; rows[i].key; i++)
        rw_buf_printf(&keys, "%s%s", i ? ", " : "", rows[i].key);
    bool joined = strpbrk(node->key, ":=") != NULL; /* "keep:5", "keep=5" */
    rw_fail_at(reading, node, "%s; known here are %s",
               joined ? "must be followed by a colon and a space" : "is not a known key",
               (char *)keys.data);
    rw_buf_finish(&keys);
    return -1;
}

static int check_map(const struct rw_reading *reading, const struct rw_node *node,
                     const cyaml_schema_value_t *value)
{
    if (node->kind != RW_NODE_MAP)
        return refuse_kind(reading, node, "a group of keys");
    const cyaml_schema_field_t *rows = value->mapping.fields;
    for (const struct rw_node *child = node->first; child; child = child->next) {
        const cyaml_schema_field_t *row = find_row(rows, child->key);
        if (!row)
            return refuse_key(reading, child, rows);
        if (check_value(reading, child, &row->value))
            return -1;
    }
    for (; rows->key; rows++)
        if (!(rows->value.flags & CYAML_FLAG_OPTIONAL) && !rw_node_get(node, rows->key))
            return rw_fail_at(reading, node, "needs the key %s, for example %s: %s", rows->key,
                              rows->key, rw_schema_example_in(key_above(node), rows->key));
    return 0;
}

static int check_value(const struct rw_reading *reading, const struct rw_node *node,
                       const cyaml_schema_value_t *value)
{
    switch (value->type) {
    case CYAML_MAPPING:
        return check_map(reading, node, value);
    case CYAML_SEQUENCE:
    case CYAML_SEQUENCE_FIXED:
        return check_list(reading, node, value);
    default:
        return check_scalar(reading, node, value);
    }
}

int rw_strict_check(const struct rw_reading *reading, const struct rw_node *root)
{
    return check_value(reading, root, &rw_schema);
}
