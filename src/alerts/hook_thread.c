/* The thread of a webhook: libcurl, patience. */
#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "alerts/hook_inside.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/units.h"

enum {
    CONNECT_S = 15,
    WHOLE_S = 60,   /* and what follows for each byte: */
    SLOWEST = 2000, /* bytes a second */
    STALL_S = 20,
    IDLE_S = 30, /* an older connection is made anew: a carrier's NAT has forgotten it */
    ANSWER_MAX = 64 * 1024,
    PATIENCE_FIRST_MS = 1000,
    PATIENCE_MAX_MS = 60 * 1000,
    RETRY_AFTER_MAX_S = 3600,
};

struct worker {
    struct rw_hook *hook;
    CURLM *multi;
    CURL *easy;
    struct rw_buf answer;
    char trouble[CURL_ERROR_SIZE];
    unsigned connection;
    int patience_ms;
};

static bool stopped(const struct worker *worker)
{
    return atomic_load(&worker->hook->stop);
}

/* Until woken, or so long at most; -1: for ever. */
static void rest(const struct worker *worker, int wait_ms)
{
    struct pollfd fd = {.fd = worker->hook->wake, .events = POLLIN};
    poll(&fd, 1, wait_ms);
    eventfd_t ignored;
    eventfd_read(worker->hook->wake, &ignored);
}

/* -- a request -------------------------------------------------------------------------------- */

static size_t keep_answer(char *bytes, size_t size, size_t count, void *arg)
{
    struct worker *worker = arg;
    if (worker->answer.size + size * count > ANSWER_MAX)
        return 0; /* CURLE_WRITE_ERROR; its status is known */
    rw_buf_add(&worker->answer, bytes, size * count);
    return size * count;
}

static struct curl_slist *head_lines(const struct rw_buf *head)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:"); /* no round trip before a body */
    for (const char *at = head->size ? (const char *)head->data : ""; *at;) {
        size_t size = strcspn(at, "\n");
        struct rw_buf line = {0};
        rw_buf_printf(&line, "%.*s", (int)size, at);
        struct curl_slist *longer = curl_slist_append(list, (char *)line.data);
        if (!list || !longer)
            abort();
        list = longer;
        rw_buf_finish(&line);
        at += size + (at[size] != 0);
    }
    return list;
}

/* What holds for every request. Redirects are not followed: they would carry a token, and what
 * people are to know, to where nobody has sent them. No proxy of the environment's: landlock knows
 * none. */
static void set_always(struct worker *worker)
{
    CURL *easy = worker->easy;
    const char *ca_file = worker->hook->config->ca_file;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (*ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_S);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a name look-up is not waited for */
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "roadwatch/" ROADWATCH_VERSION);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, worker->trouble);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, worker);
}

/* False: it was stopped. */
static bool run(struct worker *worker, CURLcode *result)
{
    int running = 1;
    *result = CURLE_FAILED_INIT;
    if (curl_multi_add_handle(worker->multi, worker->easy))
        return true;
    while (running && !stopped(worker)) {
        struct curl_waitfd wake = {.fd = worker->hook->wake, .events = CURL_WAIT_POLLIN};
        if (curl_multi_perform(worker->multi, &running))
            break;
        if (!running || curl_multi_poll(worker->multi, &wake, 1, 1000, NULL))
            break;
        eventfd_t ignored;
        if (wake.revents)
            eventfd_read(worker->hook->wake, &ignored);
    }
    int left;
    CURLMsg *message = curl_multi_info_read(worker->multi, &left);
    if (message && message->msg == CURLMSG_DONE)
        *result = message->data.result;
    curl_multi_remove_handle(worker->multi, worker->easy);
    return message || !stopped(worker);
}

static bool request(struct worker *worker, const struct rw_hook_request *request, CURLcode *result)
{
    CURL *easy = worker->easy;
    struct curl_slist *head = head_lines(&request->head);
    size_t size = request->body.size;
    worker->trouble[0] = 0;
    rw_buf_clear(&worker->answer);
    curl_easy_setopt(easy, CURLOPT_URL, (const char *)request->url.data);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, head);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, size ? (const char *)request->body.data : "");
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->put ? "PUT" : NULL);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)WHOLE_S + (long)(size / SLOWEST));
    bool ran = run(worker, result);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
    curl_slist_free_all(head);
    return ran;
}

/* -- what came of it -------------------------------------------------------------------------- */

/* libcurl's own words may quote the url. */
static void explain(const struct worker *worker, CURLcode result, char *out, size_t size)
{
    const struct rw_hook_config *config = worker->hook->config;
    const char *host = config->host;
    if (result == CURLE_COULDNT_RESOLVE_HOST)
        snprintf(out, size, "the name %.80s cannot be looked up", host);
    else if (result == CURLE_COULDNT_CONNECT)
        snprintf(out, size, "%.80s:%d cannot be reached", host, config->port);
    else if (result == CURLE_OPERATION_TIMEDOUT)
        snprintf(out, size, "%.80s:%d did not answer in time", host, config->port);
    else if (result == CURLE_PEER_FAILED_VERIFICATION)
        snprintf(out, size, "the certificate of %.60s:%d is not accepted (%.80s)", host,
                 config->port, worker->trouble);
    else if (result == CURLE_SSL_CACERT_BADFILE)
        snprintf(out, size, "ca_file holds no certificates that can be read (PEM)");
    else
        snprintf(out, size, "%.80s:%d: %s", host, config->port, curl_easy_strerror(result));
}

static enum rw_hook_verdict judge(struct worker *worker, const struct rw_hook_letter *letter,
                                  CURLcode result, struct rw_hook_news *news, int *wait_s)
{
    long status = 0;
    curl_off_t retry_s = 0;
    *wait_s = 0;
    curl_easy_getinfo(worker->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(worker->easy, CURLINFO_RETRY_AFTER, &retry_s);
    if ((result && result != CURLE_WRITE_ERROR) || !status) {
        explain(worker, result, news->text, sizeof news->text);
        return RW_HOOK_NOT_NOW;
    }
    struct rw_hook_answer answer = {
        .status = (int)status,
        .retry_s = retry_s < RETRY_AFTER_MAX_S ? (int)retry_s : RETRY_AFTER_MAX_S,
        .body = worker->answer.data,
        .size = worker->answer.size,
    };
    return rw_hook_judge(worker->hook->config, &answer, letter->request.pictured, news->text,
                         sizeof news->text, wait_s);
}

/* Between three quarters of the time and five quarters. */
static int jittered(int wait_ms)
{
    unsigned random;
    rw_random(&random, sizeof random);
    return wait_ms * 3 / 4 + (int)(random % (unsigned)(wait_ms / 2));
}

static void tell_up(struct worker *worker)
{
    rw_hook_tell(worker->hook,
                 &(struct rw_hook_news){.kind = RW_HOOK_UP, .connection = ++worker->connection});
}

static void be_patient(struct worker *worker, int wait_s)
{
    int wait_ms = jittered(worker->patience_ms);
    if (wait_s)
        wait_ms = (wait_s < RETRY_AFTER_MAX_S ? wait_s : RETRY_AFTER_MAX_S) * 1000;
    worker->patience_ms =
        worker->patience_ms * 2 < PATIENCE_MAX_MS ? worker->patience_ms * 2 : PATIENCE_MAX_MS;
    int64_t until_us = rw_now(rw_clock_system()).boot_us + (int64_t)wait_ms * 1000;
    for (int64_t left_us;
         !stopped(worker) && (left_us = until_us - rw_now(rw_clock_system()).boot_us) > 0;)
        rest(worker, (int)(left_us / 1000) + 1);
}

/* What follows in the mailbox on this connection is dropped by its number. */
static void fall_down(struct worker *worker, struct rw_hook_news *news, int wait_s)
{
    news->kind = RW_HOOK_DOWN;
    rw_hook_tell(worker->hook, news);
    if (!news->unwanted)
        be_patient(worker, wait_s);
    tell_up(worker);
}

static void deliver(struct worker *worker, const struct rw_hook_letter *letter)
{
    CURLcode result;
    int wait_s;
    if (!request(worker, &letter->request, &result))
        return; /* told again at the next start */
    struct rw_hook_news news = {.ticket = letter->ticket, .pictured = letter->request.pictured};
    memcpy(news.about, letter->about, sizeof news.about);
    enum rw_hook_verdict verdict = judge(worker, letter, result, &news, &wait_s);
    if (verdict == RW_HOOK_NOT_NOW || verdict == RW_HOOK_UNWANTED) {
        news.unwanted = verdict == RW_HOOK_UNWANTED;
        fall_down(worker, &news, wait_s);
        return;
    }
    worker->patience_ms = PATIENCE_FIRST_MS;
    news.kind = verdict == RW_HOOK_REFUSED ? RW_HOOK_TURNED_AWAY : RW_HOOK_TOLD;
    rw_hook_tell(worker->hook, &news);
}

static void work(struct worker *worker)
{
    tell_up(worker);
    while (!stopped(worker)) {
        struct rw_hook_letter *letter =
            (struct rw_hook_letter *)rw_mailbox_take(worker->hook->outgoing, 0);
        if (!letter) {
            rest(worker, -1);
            continue;
        }
        if (letter->connection == worker->connection)
            deliver(worker, letter);
        rw_hook_letter_free(letter);
    }
}

void *rw_hook_thread(void *arg)
{
    struct rw_hook *hook = arg;
    struct worker worker = {.hook = hook,
                            .multi = curl_multi_init(),
                            .easy = curl_easy_init(),
                            .patience_ms = PATIENCE_FIRST_MS};
    if (!worker.multi || !worker.easy)
        abort();
    set_always(&worker);
    work(&worker);
    curl_easy_cleanup(worker.easy);
    curl_multi_cleanup(worker.multi);
    rw_buf_finish(&worker.answer);
    eventfd_write(hook->done, 1);
    return NULL;
}
