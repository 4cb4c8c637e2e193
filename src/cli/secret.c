#include "cli/secret.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"

static int read_line(char out[RW_SECRET_SIZE])
{
    size_t size = 0;
    char c;
    while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
        if (size < RW_SECRET_SIZE)
            out[size++] = c;
    if (size && size < RW_SECRET_SIZE && out[size - 1] == '\r')
        size--;
    if (size == 0 || size >= RW_SECRET_SIZE)
        return rw_complain(2, "the password must have 1 to %d bytes", RW_SECRET_SIZE - 1);
    out[size] = '\0';
    return 0;
}

/* Who interrupts it must not be left with a terminal that does not echo. */
static int ask_terminal(const char *username, char out[RW_SECRET_SIZE])
{
    struct termios before, silent;
    sigset_t signals, old;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTSTP);
    fprintf(stderr, "password of %s: ", username);
    sigprocmask(SIG_BLOCK, &signals, &old);
    tcgetattr(STDIN_FILENO, &before);
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    int status = read_line(out);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    sigprocmask(SIG_SETMASK, &old, NULL);
    return status;
}

int rw_secret_read(const char *username, char out[RW_SECRET_SIZE])
{
    memset(out, 0, RW_SECRET_SIZE);
    return isatty(STDIN_FILENO) ? ask_terminal(username, out) : read_line(out);
}
