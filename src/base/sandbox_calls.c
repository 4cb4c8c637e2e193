#include "base/sandbox_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sandbox.h"

#define COUNT(list) (int)(sizeof(list) / sizeof *(list))
#define ARG(...) ((struct scmp_arg_cmp[]){__VA_ARGS__})
#define ADD(filter, action, call, ...)                                                             \
    seccomp_rule_add_array(filter, action, SCMP_SYS(call),                                         \
                           COUNT(((struct scmp_arg_cmp[]){__VA_ARGS__})), ARG(__VA_ARGS__))

/* --- the tables --- */

/* clone3(2) is not here: what it is to make stands in memory that a filter cannot read. glibc falls
 * back to clone(2). */
static const int always[] = {
    /* descriptors that it has */
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pwrite64),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(dup),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(eventfd2),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(timerfd_gettime),
    SCMP_SYS(signalfd4),
    SCMP_SYS(pipe2),
    /* memory and threads */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(membarrier),
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getcpu),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(wait4),
    SCMP_SYS(waitid),
    /* signals */
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    /* time; the kernel lets only root set it, and by these calls only root with CAP_SYS_TIME */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(nanosleep),
    SCMP_SYS(time),
    SCMP_SYS(adjtimex),
    SCMP_SYS(clock_adjtime),
    /* who and where it is */
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrusage),
    SCMP_SYS(getrandom),
};

static const int reading[] = {
    SCMP_SYS(stat),     SCMP_SYS(lstat),      SCMP_SYS(access),     SCMP_SYS(faccessat),
    SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getdents64), SCMP_SYS(faccessat2),
    SCMP_SYS(getcwd),   SCMP_SYS(statfs),     SCMP_SYS(fstatfs),    SCMP_SYS(fadvise64),
};

static const int writing[] = {
    SCMP_SYS(open),      SCMP_SYS(openat),    SCMP_SYS(ftruncate), SCMP_SYS(fallocate),
    SCMP_SYS(fsync),     SCMP_SYS(fdatasync), SCMP_SYS(rename),    SCMP_SYS(renameat),
    SCMP_SYS(renameat2), SCMP_SYS(unlink),    SCMP_SYS(unlinkat),  SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),   SCMP_SYS(rmdir),     SCMP_SYS(fchown),    SCMP_SYS(fchmod),
    SCMP_SYS(umask),
};

static const int answering[] = {
    SCMP_SYS(accept),      SCMP_SYS(accept4),     SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),     SCMP_SYS(recvmmsg),    SCMP_SYS(getsockopt),
    SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(shutdown),
};

static const int calling[] = {
    SCMP_SYS(connect),  SCMP_SYS(bind),       SCMP_SYS(sendto),     SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg), SCMP_SYS(setsockopt), SCMP_SYS(socketpair),
};

/* To start a program, and what ours do while they set themselves up. */
static const int starting[] = {
    SCMP_SYS(execve),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(clone),
    SCMP_SYS(kill),
    SCMP_SYS(tgkill),
    SCMP_SYS(memfd_create),
    SCMP_SYS(mlock),
    SCMP_SYS(get_mempolicy),
    SCMP_SYS(arch_prctl),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(prlimit64),
    SCMP_SYS(prctl),
    SCMP_SYS(setpriority),
    SCMP_SYS(ioprio_set),
    SCMP_SYS(fcntl),

    SCMP_SYS(listen),
    SCMP_SYS(close_range),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(chdir),
    SCMP_SYS(getpgrp),
    SCMP_SYS(setsid),
    SCMP_SYS(seccomp),
    SCMP_SYS(landlock_create_ruleset),
    SCMP_SYS(landlock_add_rule),
    SCMP_SYS(landlock_restrict_self),
};

/* Nothing of ours has a use for these: whoever calls one has taken the process over. */
static const int hostile[] = {
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_open),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(rt_sigqueueinfo),
    SCMP_SYS(rt_tgsigqueueinfo),
    SCMP_SYS(tkill),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    SCMP_SYS(link),
    SCMP_SYS(linkat),
    SCMP_SYS(symlink),
    SCMP_SYS(symlinkat),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(fanotify_init),
    SCMP_SYS(quotactl),
    SCMP_SYS(acct),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(reboot),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(personality),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(setfsuid),
    SCMP_SYS(setfsgid),
    SCMP_SYS(capset),
    SCMP_SYS(clock_settime),
    SCMP_SYS(settimeofday),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(syslog),
    SCMP_SYS(vhangup),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(modify_ldt),
    SCMP_SYS(move_pages),
    SCMP_SYS(migrate_pages),
    SCMP_SYS(remap_file_pages),
};

static const int starting_kills[] = {SCMP_SYS(execve), SCMP_SYS(fork), SCMP_SYS(vfork)};

static const int calling_kills[] = {
    SCMP_SYS(socket),  SCMP_SYS(socketpair), SCMP_SYS(connect), SCMP_SYS(bind),
    SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg),   SCMP_SYS(listen),
};

static int add_all(scmp_filter_ctx filter, uint32_t action, const int *list, int count)
{
    int failed = 0;
    for (int i = 0; i < count; i++)
        failed |= seccomp_rule_add(filter, action, list[i], 0);
    return failed;
}

/* --- calls whose arguments matter --- */

static int allow_threads(scmp_filter_ctx filter)
{
    return ADD(filter, SCMP_ACT_ALLOW, clone,
               SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)) |
           ADD(filter, SCMP_ACT_KILL_PROCESS, clone, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
}

/* Itself only: abort(3), and a role that asks itself to end. */
static int allow_own_signals(scmp_filter_ctx filter)
{
    scmp_datum_t self = (scmp_datum_t)getpid();
    return ADD(filter, SCMP_ACT_ALLOW, tgkill, SCMP_A0(SCMP_CMP_EQ, self)) |
           ADD(filter, SCMP_ACT_ALLOW, kill, SCMP_A0(SCMP_CMP_EQ, self)) |
           ADD(filter, SCMP_ACT_KILL_PROCESS, tgkill, SCMP_A0(SCMP_CMP_NE, self)) |
           ADD(filter, SCMP_ACT_KILL_PROCESS, kill, SCMP_A0(SCMP_CMP_NE, self));
}

/* Its own threads step back; its limits are read. */
static int allow_own_priority(scmp_filter_ctx filter)
{
    return ADD(filter, SCMP_ACT_ALLOW, setpriority, SCMP_A0(SCMP_CMP_EQ, PRIO_PROCESS),
               SCMP_A1(SCMP_CMP_EQ, 0)) |
           ADD(filter, SCMP_ACT_ALLOW, ioprio_set, SCMP_A0(SCMP_CMP_EQ, IOPRIO_WHO_PROCESS),
               SCMP_A1(SCMP_CMP_EQ, 0)) |
           ADD(filter, SCMP_ACT_ALLOW, prlimit64, SCMP_A0(SCMP_CMP_EQ, 0),
               SCMP_A2(SCMP_CMP_EQ, 0)) |
           ADD(filter, SCMP_ACT_ALLOW, prctl, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
}

/* Not F_SETOWN and F_SETSIG, which send signals to others. */
static int allow_fcntl(scmp_filter_ctx filter)
{
    static const int commands[] = {F_DUPFD_CLOEXEC, F_GETFD,     F_SETFD,     F_GETFL,
                                   F_SETFL,         F_GETLK,     F_SETLK,     F_SETLKW,
                                   F_OFD_GETLK,     F_OFD_SETLK, F_OFD_SETLKW};
    int failed = 0;
    for (int i = 0; i < COUNT(commands); i++)
        failed |=
            ADD(filter, SCMP_ACT_ALLOW, fcntl, SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)commands[i]));
    return failed;
}

/* No new code: only a library that is loaded for a look-up brings some. */
static int allow_memory(scmp_filter_ctx filter, bool code)
{
    static const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
    int failed = code ? add_all(filter, SCMP_ACT_ALLOW, calls, COUNT(calls)) : 0;
    for (int i = 0; i < COUNT(calls) && !code; i++)
        failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 1,
                                   SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) |
                  seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), calls[i], 1,
                                   SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    return failed;
}

static int allow_open_to_read(scmp_filter_ctx filter)
{
    const scmp_datum_t change = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
    return ADD(filter, SCMP_ACT_ALLOW, open, SCMP_A1(SCMP_CMP_MASKED_EQ, change, 0)) |
           ADD(filter, SCMP_ACT_ALLOW, openat, SCMP_A2(SCMP_CMP_MASKED_EQ, change, 0));
}

/* What may be set of a socket that somebody else made. */
static int allow_answers(scmp_filter_ctx filter)
{
    static const int options[] = {SO_RCVLOWAT, SO_RCVBUF, SO_RCVTIMEO};
    int failed = add_all(filter, SCMP_ACT_ALLOW, answering, COUNT(answering)) |
                 ADD(filter, SCMP_ACT_ALLOW, sendto, SCMP_A4(SCMP_CMP_EQ, 0));
    for (int i = 0; i < COUNT(options); i++)
        failed |= ADD(filter, SCMP_ACT_ALLOW, setsockopt, SCMP_A1(SCMP_CMP_EQ, SOL_SOCKET),
                      SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)options[i]));
    return failed;
}

/* glibc asks the kernel by netlink which addresses the box has, and can do without. */
static int allow_sockets(scmp_filter_ctx filter)
{
    enum { TYPE = 0xf };
    int failed = 0;
    for (int family = 0; family < AF_MAX; family++) {
        scmp_datum_t it = (scmp_datum_t)family;
        if (family == AF_NETLINK)
            failed |= ADD(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), socket, SCMP_A0(SCMP_CMP_EQ, it));
        else if (family != AF_UNIX && family != AF_INET && family != AF_INET6)
            failed |= ADD(filter, SCMP_ACT_KILL_PROCESS, socket, SCMP_A0(SCMP_CMP_EQ, it));
        else
            for (scmp_datum_t type = 0; type <= TYPE; type++)
                failed |=
                    ADD(filter,
                        type == SOCK_STREAM || type == SOCK_DGRAM ? SCMP_ACT_ALLOW
                                                                  : SCMP_ACT_KILL_PROCESS,
                        socket, SCMP_A0(SCMP_CMP_EQ, it), SCMP_A1(SCMP_CMP_MASKED_EQ, TYPE, type));
    }
    return failed;
}

/* --- the filter --- */

static int fill_files(scmp_filter_ctx filter, unsigned may)
{
    int failed = 0;
    if (may & RW_MAY_READ)
        failed |= add_all(filter, SCMP_ACT_ALLOW, reading, COUNT(reading));
    if (may & RW_MAY_WRITE)
        failed |= add_all(filter, SCMP_ACT_ALLOW, writing, COUNT(writing));
    else if (may & RW_MAY_READ)
        failed |= allow_open_to_read(filter);
    return failed;
}

static int fill_sockets(scmp_filter_ctx filter, unsigned may)
{
    if (may & RW_MAY_CALL)
        return add_all(filter, SCMP_ACT_ALLOW, answering, COUNT(answering)) |
               add_all(filter, SCMP_ACT_ALLOW, calling, COUNT(calling)) | allow_sockets(filter);
    int failed = add_all(filter, SCMP_ACT_KILL_PROCESS, calling_kills, COUNT(calling_kills));
    if (may & RW_MAY_ANSWER)
        failed |= allow_answers(filter);
    return failed;
}

static int fill(scmp_filter_ctx filter, unsigned may)
{
    bool start = (may & RW_MAY_START) != 0;
    if (start)
        may |= RW_MAY_READ | RW_MAY_WRITE | RW_MAY_ANSWER | RW_MAY_CALL;
    int failed = add_all(filter, SCMP_ACT_ALLOW, always, COUNT(always)) |
                 add_all(filter, SCMP_ACT_KILL_PROCESS, hostile, COUNT(hostile)) |
                 seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 0) |
                 allow_memory(filter, start || (may & RW_MAY_LOOK_UP)) | fill_files(filter, may) |
                 fill_sockets(filter, may);
    if (start)
        return failed | add_all(filter, SCMP_ACT_ALLOW, starting, COUNT(starting));
    return failed | add_all(filter, SCMP_ACT_KILL_PROCESS, starting_kills, COUNT(starting_kills)) |
           allow_threads(filter) | allow_own_signals(filter) | allow_own_priority(filter) |
           allow_fcntl(filter);
}

bool rw_calls_there(void)
{
    /* The tables are of machines with 64 bits; others have more calls for the same. */
    uint32_t action = SCMP_ACT_KILL_PROCESS;
    return sizeof(void *) == 8 &&
           !syscall(SYS_seccomp, 2 /* SECCOMP_GET_ACTION_AVAIL */, 0, &action);
}

int rw_calls_restrict(unsigned may)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (!filter) {
        errno = ENOMEM;
        return -1;
    }
    int failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) |
                 seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) |
                 seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) |
                 fill(filter, may);
    errno = EINVAL;
    if (!failed) {
        failed = seccomp_load(filter);
        errno = -failed;
    }
    seccomp_release(filter);
    return failed ? -1 : 0;
}
