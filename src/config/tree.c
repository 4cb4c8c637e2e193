#include "config/tree.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/units.h"

struct builder {
    const struct rw_reading *reading;
    const uint8_t *bytes; /* the document, for sentences about its syntax */
    size_t size;
    yaml_parser_t parser;
};

/* The line that holds the byte at this offset. */
static int line_of(const struct builder *b, size_t offset)
{
    int line = 1;
    for (size_t i = 0; i < offset && i < b->size; i++)
        line += b->bytes[i] == '\n';
    return line;
}

static bool indented_with_tab(const struct builder *b, int line)
{
    const uint8_t *at = b->bytes, *end = b->bytes + b->size;
    for (int i = 1; i < line && at < end; at++)
        i += *at == '\n';
    while (at < end && *at == ' ')
        at++;
    return at < end && *at == '\t';
}

static int syntax_failure(const struct builder *b)
{
    const yaml_parser_t *parser = &b->parser;
    const char *problem = parser->problem ? parser->problem : "the parser gave up";
    if (parser->error == YAML_READER_ERROR)
        return rw_fail_on_line(b->reading, line_of(b, parser->problem_offset),
                               "this is not plain UTF-8 text (%s); save the file as UTF-8",
                               problem);
    bool in_quotes = parser->context && strstr(parser->context, "quoted");
    size_t mark = in_quotes ? parser->context_mark.line : parser->problem_mark.line;
    int line = (int)mark + 1, last = line_of(b, b->size);
    line = line > last ? last : line;
    if (indented_with_tab(b, line))
        return rw_fail_on_line(b->reading, line,
                               "a tab indents this line; use spaces, as the "
                               "other lines do");
    return rw_fail_on_line(b->reading, line,
                           "this is not YAML (%s); look at the indentation, quotes and brackets "
                           "here and just above",
                           problem);
}

static int next_event(struct builder *b, yaml_event_t *event)
{
    return yaml_parser_parse(&b->parser, event) ? 0 : syntax_failure(b);
}

static int line_of_event(const yaml_event_t *event)
{
    return (int)event->start_mark.line + 1;
}

static struct rw_node *append_node(struct rw_node *parent, int line)
{
    struct rw_node *node = calloc(1, sizeof *node);
    if (!node)
        abort();
    node->line = line;
    node->parent = parent;
    if (!parent)
        return node;
    if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    parent->count++;
    return node;
}

/* Copies a scalar's text, which may be a secret and so is never quoted here. */
static int copy_scalar(struct builder *b, const yaml_event_t *event, char **out)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return rw_fail_on_line(b->reading, line_of_event(event),
                                   "a value must be one line of plain text, without tabs and "
                                   "control characters");
    *out = rw_text_copy(text);
    return 0;
}

static int check_ornaments(struct builder *b, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (event->type == YAML_ALIAS_EVENT || anchor)
        return rw_fail_on_line(b->reading, line_of_event(event),
                               "anchors (&) and aliases (*) are not known here; write the value "
                               "itself, in quotes if it begins with & or *");
    if (tag)
        return rw_fail_on_line(b->reading, line_of_event(event),
                               "tags (!) are not known here; write the value in quotes if it "
                               "begins with !");
    return 0;
}

static int fill_node(struct builder *b, struct rw_node *node, yaml_event_t *event, int depth);

static int fill_list(struct builder *b, struct rw_node *list, int depth)
{
    for (;;) {
        yaml_event_t event;
        if (next_event(b, &event))
            return -1;
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return 0;
        }
        struct rw_node *entry = append_node(list, line_of_event(&event));
        if (fill_node(b, entry, &event, depth + 1))
            return -1;
        if (list->count > RW_TREE_LIST_MAX)
            return rw_fail_on_line(b->reading, entry->line, "a list ends at %d entries",
                                   RW_TREE_LIST_MAX);
    }
}

/* Makes the child that the key names, still without a value. */
static struct rw_node *append_key(struct builder *b, struct rw_node *map, const yaml_event_t *event)
{
    int line = line_of_event(event);
    char *key = NULL;
    if (check_ornaments(b, event))
        return NULL;
    if (event->type != YAML_SCALAR_EVENT) {
        rw_fail_on_line(b->reading, line, "a key must be a word, not a list or a group");
        return NULL;
    }
    if (copy_scalar(b, event, &key))
        return NULL;
    const struct rw_node *twin = rw_node_get(map, key);
    struct rw_node *child = append_node(map, line);
    child->key = key;
    if (twin)
        rw_fail_at(b->reading, child, "stands here a second time (first in line %d); keep one",
                   twin->line);
    else if (map->count > RW_TREE_KEYS_MAX)
        rw_fail_on_line(b->reading, line, "more than %d keys stand in one group", RW_TREE_KEYS_MAX);
    else
        return child;
    return NULL;
}

static int fill_map(struct builder *b, struct rw_node *map, int depth)
{
    map->kind = RW_NODE_MAP;
    for (;;) {
        yaml_event_t event;
        if (next_event(b, &event))
            return -1;
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            return 0;
        }
        struct rw_node *child = append_key(b, map, &event);
        yaml_event_delete(&event);
        if (!child || next_event(b, &event) || fill_node(b, child, &event, depth + 1))
            return -1;
    }
}

/* Fills the node from what the event begins. Deletes the event. */
static int fill_node(struct builder *b, struct rw_node *node, yaml_event_t *event, int depth)
{
    int status = check_ornaments(b, event);
    yaml_event_type_t type = event->type;
    if (!status && type == YAML_SCALAR_EVENT) {
        node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        status = copy_scalar(b, event, &node->text);
    }
    if (!status && depth > RW_TREE_DEPTH_MAX)
        status =
            rw_fail_on_line(b->reading, line_of_event(event),
                            "brackets or indentation go deeper than %d levels", RW_TREE_DEPTH_MAX);
    yaml_event_delete(event);
    if (status || type == YAML_SCALAR_EVENT)
        return status;
    node->kind = type == YAML_MAPPING_START_EVENT ? RW_NODE_MAP : RW_NODE_LIST;
    return type == YAML_MAPPING_START_EVENT ? fill_map(b, node, depth) : fill_list(b, node, depth);
}

/* Takes the events of the only document; its root begins with *event. */
static struct rw_node *read_document(struct builder *b, yaml_event_t *event)
{
    struct rw_node *root = append_node(NULL, line_of_event(event));
    if (fill_node(b, root, event, 0))
        goto fail;
    yaml_event_t after;
    yaml_event_type_t type = YAML_DOCUMENT_END_EVENT;
    while (type == YAML_DOCUMENT_END_EVENT) {
        if (next_event(b, &after))
            goto fail;
        type = after.type;
        int line = line_of_event(&after);
        yaml_event_delete(&after);
        if (type == YAML_DOCUMENT_START_EVENT) {
            rw_fail_on_line(b->reading, line,
                            "a second document begins here; the file is one, "
                            "take the --- away");
            goto fail;
        }
    }
    return root;
fail:
    rw_tree_free(root);
    return NULL;
}

static struct rw_node *read_stream(struct builder *b)
{
    for (;;) {
        yaml_event_t event;
        if (next_event(b, &event))
            return NULL;
        yaml_event_type_t type = event.type;
        if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT &&
            type != YAML_STREAM_END_EVENT)
            return read_document(b, &event);
        yaml_event_delete(&event);
        if (type == YAML_STREAM_END_EVENT) {
            rw_fail_on_line(b->reading, 1,
                            "the file is empty; begin with the commented example, "
                            "roadwatch.example.yaml");
            return NULL;
        }
    }
}

struct rw_node *rw_tree_parse(const struct rw_reading *reading, const void *bytes, size_t size)
{
    struct builder b = {.reading = reading, .bytes = bytes, .size = size};
    if (!yaml_parser_initialize(&b.parser))
        abort();
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, b.bytes, size);
    struct rw_node *root = read_stream(&b);
    yaml_parser_delete(&b.parser);
    return root;
}

/* Recursion is bounded: the parser refuses what is deeper than RW_TREE_DEPTH_MAX. */
void rw_tree_free(struct rw_node *root)
{
    if (!root)
        return;
    for (struct rw_node *child = root->first, *next; child; child = next) {
        next = child->next;
        rw_tree_free(child);
    }
    rw_text_wipe(&root->text);
    free(root->key);
    free(root);
}

const struct rw_node *rw_node_get(const struct rw_node *node, const char *key)
{
    if (!node || node->kind != RW_NODE_MAP)
        return NULL;
    for (const struct rw_node *child = node->first; child; child = child->next)
        if (!strcmp(child->key, key))
            return child;
    return NULL;
}

bool rw_node_empty(const struct rw_node *node)
{
    return node->kind == RW_NODE_SCALAR && !node->quoted &&
           (!*node->text || !strcmp(node->text, "~") || !strcasecmp(node->text, "null"));
}

/* Bytes of text that fit into max without cutting a character. */
static int whole_characters(const char *text, int max)
{
    int size = (int)strnlen(text, (size_t)max + 1);
    if (size <= max)
        return size;
    while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
        max--;
    return max;
}

const char *rw_node_shown(const struct rw_node *node, char out[48])
{
    const char *text = node->text ? node->text : "";
    int size = whole_characters(text, 40);
    snprintf(out, 48, "%.*s%s", size, text, text[size] ? "…" : "");
    return out;
}

/* Of a mistyped "password:secret" or "password=secret" only the word before the sign is a key. */
static int key_size(const char *key)
{
    int size = 0;
    while ((unsigned char)key[size] >= 0x80 || isalnum((unsigned char)key[size]) ||
           key[size] == '_' || key[size] == '-')
        size++;
    return whole_characters(key, size < 32 ? size : 32);
}

static void add_entry(struct rw_buf *where, const struct rw_node *entry)
{
    const struct rw_node *name = rw_node_get(entry, "id");
    if (!name)
        name = rw_node_get(entry, "name");
    char shown[48];
    if (name && name->kind == RW_NODE_SCALAR && name->text && *name->text) {
        rw_buf_printf(where, "[%s]", rw_node_shown(name, shown));
        return;
    }
    int number = 1;
    for (const struct rw_node *at = entry->parent->first; at != entry; at = at->next)
        number++;
    rw_buf_printf(where, "[%d]", number);
}

static void add_where(struct rw_buf *where, const struct rw_node *node)
{
    if (!node->parent)
        return;
    add_where(where, node->parent);
    if (!node->key)
        add_entry(where, node);
    else if (key_size(node->key))
        rw_buf_printf(where, "%s%.*s", where->size ? "." : "", key_size(node->key), node->key);
    else
        rw_buf_printf(where, "%s?", where->size ? "." : "");
}

void rw_node_where(const struct rw_node *node, char *out, size_t size)
{
    struct rw_buf where = {0};
    add_where(&where, node);
    rw_buf_printf(&where, "%s", where.size ? "" : "the file");
    snprintf(out, size, "%s", (char *)where.data);
    rw_buf_finish(&where);
}
