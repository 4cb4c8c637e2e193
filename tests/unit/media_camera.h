/* A camera of one connection, played by a thread: speaks RTSP over TCP with RTP interleaved, does
 * as its script says, and ends when the other side hangs up. */
#pragma once

#include <arpa/inet.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cancel.h"
#include "media/nal.h"
#include "media_footage.h"

enum { CAMERA_UNITS_MAX = 256, CAMERA_RTP_BYTES = 600 };

/* One NAL unit, without start code. */
struct camera_unit {
    const uint8_t *data;
    size_t size;
    uint32_t time; /* RTP, 90 kHz */
};

struct camera {
    /* the script */
    const char *describe; /* the whole answer to DESCRIBE without CSeq; NULL: 200 with sdp */
    const char *sdp;
    const char *greeting;     /* answers any first request with this instead */
    const char *silent_on;    /* does not answer this method */
    struct rw_cancel *cancel; /* requested instead of that answer, or after the last unit */
    bool hang;                /* after the last unit; otherwise hangs up */
    bool paced;               /* waits for one of clicks before each new time */
    sem_t clicks;
    struct camera_unit units[CAMERA_UNITS_MAX];
    int unit_count;
    /* its state */
    int listener, peer;
    char url[64];
    pthread_t thread;
    uint16_t sequence;
    size_t heard; /* bytes */
};

static inline void camera_send(struct camera *camera, const void *bytes, size_t size)
{
    (void)!send(camera->peer, bytes, size, MSG_NOSIGNAL);
}

static inline void camera_send_rtp(struct camera *camera, const uint8_t *payload, size_t size,
                                   uint32_t time)
{
    uint8_t packet[4 + 12 + CAMERA_RTP_BYTES + 2] = {'$', 0, 0, 0, 0x80, 96};
    rw_put_be16(packet + 2, (uint16_t)(12 + size));
    rw_put_be16(packet + 6, camera->sequence++);
    rw_put_be32(packet + 8, time);
    rw_put_be32(packet + 12, 0x12345678);
    memcpy(packet + 16, payload, size);
    camera_send(camera, packet, 16 + size);
}

/* RFC 6184: whole, or as FU-A pieces. */
static inline void camera_send_unit(struct camera *camera, const struct camera_unit *unit)
{
    if (unit->size <= CAMERA_RTP_BYTES) {
        camera_send_rtp(camera, unit->data, unit->size, unit->time);
        return;
    }
    uint8_t piece[CAMERA_RTP_BYTES + 2];
    for (size_t at = 1; at < unit->size; at += CAMERA_RTP_BYTES) {
        size_t left = unit->size - at, size = left < CAMERA_RTP_BYTES ? left : CAMERA_RTP_BYTES;
        piece[0] = (uint8_t)((unit->data[0] & 0xe0) | 28);
        piece[1] =
            (uint8_t)((at == 1 ? 0x80 : 0) | (size == left ? 0x40 : 0) | (unit->data[0] & 0x1f));
        memcpy(piece + 2, unit->data + at, size);
        camera_send_rtp(camera, piece, size + 2, unit->time);
    }
}

static inline void camera_answer(struct camera *camera, const char *request)
{
    char answer[2048];
    const char *cseq = strstr(request, "CSeq:");
    int number = cseq ? atoi(cseq + 5) : 0;
    const char *head = "RTSP/1.0 200 OK\r\n";
    char body[1024] = "\r\n";
    if (strncmp(request, "OPTIONS", 7) == 0)
        snprintf(body, sizeof body, "Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n");
    else if (strncmp(request, "DESCRIBE", 8) == 0 && camera->describe)
        head = camera->describe;
    else if (strncmp(request, "DESCRIBE", 8) == 0)
        snprintf(body, sizeof body,
                 "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
                 strlen(camera->sdp), camera->sdp);
    else if (strncmp(request, "SETUP", 5) == 0)
        snprintf(body, sizeof body,
                 "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n");
    else
        snprintf(body, sizeof body, "Session: 1\r\n\r\n");
    snprintf(answer, sizeof answer, "%sCSeq: %d\r\n%s", head, number, body);
    camera_send(camera, answer, strlen(answer));
}

/* False: hang up. */
static inline bool camera_serve(struct camera *camera, const char *request)
{
    if (camera->greeting) {
        camera_send(camera, camera->greeting, strlen(camera->greeting));
        return false;
    }
    if (camera->silent_on && strncmp(request, camera->silent_on, strlen(camera->silent_on)) == 0) {
        if (camera->cancel)
            rw_cancel_request(camera->cancel);
        return true;
    }
    camera_answer(camera, request);
    if (strncmp(request, "PLAY", 4) != 0)
        return true;
    for (int i = 0; i < camera->unit_count; i++) {
        if (camera->paced && (!i || camera->units[i].time != camera->units[i - 1].time))
            sem_wait(&camera->clicks);
        camera_send_unit(camera, &camera->units[i]);
    }
    if (camera->cancel)
        rw_cancel_request(camera->cancel);
    return camera->hang;
}

static inline void *camera_main(void *arg)
{
    struct camera *camera = arg;
    char request[4096];
    size_t size = 0;
    camera->peer = accept(camera->listener, NULL, NULL);
    for (;;) {
        ssize_t got = recv(camera->peer, request + size, sizeof request - 1 - size, 0);
        if (got <= 0)
            break;
        size += (size_t)got;
        camera->heard += (size_t)got;
        request[size] = '\0';
        if (!strstr(request, "\r\n\r\n") && size < sizeof request - 1)
            continue;
        if (!camera_serve(camera, request))
            break;
        size = 0;
    }
    close(camera->peer);
    return NULL;
}

static inline void camera_start(struct camera *camera)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    camera->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(camera->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(camera->listener, 4), 0);
    assert_int_equal(getsockname(camera->listener, (struct sockaddr *)&address, &size), 0);
    snprintf(camera->url, sizeof camera->url, "rtsp://127.0.0.1:%d/live?key=topsecret",
             ntohs(address.sin_port));
    assert_int_equal(pthread_create(&camera->thread, NULL, camera_main, camera), 0);
}

static inline void camera_stop(struct camera *camera)
{
    pthread_join(camera->thread, NULL);
    close(camera->listener);
}

static inline void camera_add(struct camera *camera, const uint8_t *data, size_t size,
                              uint32_t time)
{
    assert_in_range(camera->unit_count, 0, CAMERA_UNITS_MAX - 1);
    camera->units[camera->unit_count++] = (struct camera_unit){data, size, time};
}

/* The units of Annex B bytes, which must outlive the camera. */
static inline void camera_add_annexb(struct camera *camera, const uint8_t *data, size_t size,
                                     uint32_t time)
{
    size_t start = 0;
    for (size_t i = 0; i + 3 <= size; i++) {
        if (data[i] || data[i + 1] || data[i + 2] != 1)
            continue;
        if (start)
            camera_add(camera, data + start, i - start - (i > 0 && !data[i - 1]), time);
        start = i + 3;
    }
    camera_add(camera, data + start, size - start, time);
}
