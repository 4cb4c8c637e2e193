#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "alerts/hook_request.h"
#include "base/units.h"

enum { DESCRIPTION_MAX = 80 };

static bool is_chat(const struct rw_hook_config *hook)
{
    return hook->type == RW_HOOK_ZALO || hook->type == RW_HOOK_TELEGRAM;
}

/* What the service says is wrong, unless it says a secret of ours. */
static void describe(const struct rw_hook_config *hook, const json_t *json, char *out, size_t size)
{
    const char *said = json_string_value(json_object_get(json, "description"));
    if (!said)
        said = json_string_value(json_object_get(json, "error"));
    if (!said || (*hook->token && strstr(said, hook->token)) || strstr(said, hook->url))
        return;
    char text[DESCRIPTION_MAX + 1];
    rw_copy_text(text, sizeof text, said);
    snprintf(out, size, ": %s", text);
}

/* Does it speak as the service does? A portal of the carrier's that answers everything with a page
 * of its own has not delivered anything. */
static bool is_from_service(const struct rw_hook_config *hook, const json_t *json)
{
    if (is_chat(hook))
        return json_is_boolean(json_object_get(json, "ok"));
    return hook->type != RW_HOOK_NTFY || json_is_string(json_object_get(json, "id"));
}

/* Zalo and Telegram tell a status of HTTP in the answer too; Zalo with 200 outside. */
static int status_inside(const struct rw_hook_config *hook, const json_t *json, int status)
{
    json_t *code = json_object_get(json, "error_code");
    if (!is_chat(hook) || status / 100 != 2 || !json_is_false(json_object_get(json, "ok")))
        return status;
    json_int_t inside = json_integer_value(code);
    return inside >= 400 && inside <= 599 ? (int)inside : 400;
}

static enum rw_hook_verdict verdict_of(int status, bool pictured)
{
    switch (status) {
    case 408: /* Request Timeout */
    case 425: /* Too Early */
    case 429: /* Too Many Requests */
        return RW_HOOK_NOT_NOW;
    case 400:
    case 413: /* Content Too Large */
    case 415: /* Unsupported Media Type */
    case 422: /* Unprocessable Content */
        return pictured ? RW_HOOK_UNWANTED : RW_HOOK_REFUSED;
    default:
        return status / 100 == 2   ? RW_HOOK_DELIVERED
               : status / 100 == 4 ? RW_HOOK_REFUSED
                                   : RW_HOOK_NOT_NOW;
    }
}

/* https://core.telegram.org/bots/api#responseparameters */
static int patience_inside(const json_t *json)
{
    json_t *wait = json_object_get(json_object_get(json, "parameters"), "retry_after");
    json_int_t seconds = json_integer_value(wait);
    return seconds > 0 && seconds < 86400 ? (int)seconds : 0;
}

enum rw_hook_verdict rw_hook_judge(const struct rw_hook_config *hook,
                                   const struct rw_hook_answer *answer, bool pictured, char *why,
                                   size_t why_size, int *wait_s)
{
    char said[DESCRIPTION_MAX + 8] = "";
    json_t *json = json_loadb(answer->size ? answer->body : "", answer->size, 0, NULL);
    int status = status_inside(hook, json, answer->status);
    enum rw_hook_verdict verdict = verdict_of(status, pictured);
    describe(hook, json, said, sizeof said);
    *wait_s = answer->retry_s > 0 ? answer->retry_s : patience_inside(json);
    if (verdict == RW_HOOK_DELIVERED && !is_from_service(hook, json)) {
        verdict = RW_HOOK_NOT_NOW;
        snprintf(why, why_size, "something else than the service answers there (HTTP %d)", status);
    } else if (status / 100 == 3) {
        snprintf(why, why_size,
                 "it answers with a redirect (HTTP %d), which is not followed; set "
                 "url to where it leads",
                 status);
    } else {
        snprintf(why, why_size, "HTTP %d%s", status, said);
    }
    json_decref(json);
    return verdict;
}
