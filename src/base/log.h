/* Lines for the journal or a terminal, on standard error. Stateless: one write(2) a line, so lines
 * of several processes and threads do not mix. With JOURNAL_STREAM set the syslog level stands
 * before the line as systemd reads it, otherwise the time does. */
#pragma once

enum rw_level { RW_LOG_ERROR = 3, RW_LOG_WARNING = 4, RW_LOG_INFO = 6, RW_LOG_DEBUG = 7 };

/* subject: a camera's id or a role's name. RW_LOG_DEBUG is written only with ROADWATCH_DEBUG set.
 */
void rw_log(enum rw_level level, const char *subject, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
