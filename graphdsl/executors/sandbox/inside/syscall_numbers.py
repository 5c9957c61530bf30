"""Numbers of system calls, from the kernel's `unistd` tables; `-` where there is none."""

from __future__ import annotations

from graphdsl.executors.sandbox.inside.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final


MACHINES: Final = ("x86_64", "aarch64")
"""The architectures whose numbers are known, in the order of the columns below."""


def numbers(table: str, machine: str) -> dict[str, int]:
    """The numbers of a table for an architecture, by name.

    >>> numbers(SIGNALS, "aarch64")
    {'kill': 129, 'tgkill': 131}
    """
    column = 1 + MACHINES.index(machine)
    rows = [line.split() for line in table.strip().splitlines()]
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


NEVER: Final = """
socket 41 198
ptrace 101 117
tkill 200 130
rt_sigqueueinfo 129 138
rt_tgsigqueueinfo 297 240
mount 165 40
umount2 166 39
pivot_root 155 41
chroot 161 51
unshare 272 97
setns 308 268
bpf 321 280
perf_event_open 298 241
userfaultfd 323 282
keyctl 250 219
add_key 248 217
request_key 249 218
memfd_create 319 279
shmget 29 194
msgget 68 186
semget 64 190
mq_open 240 180
process_vm_readv 310 270
process_vm_writev 311 271
name_to_handle_at 303 264
open_by_handle_at 304 265
fanotify_init 300 262
init_module 175 105
finit_module 313 273
delete_module 176 106
kexec_load 246 104
kexec_file_load 320 294
reboot 169 142
swapon 167 224
swapoff 168 225
personality 135 92
setpriority 141 140
sched_setparam 142 118
sched_setscheduler 144 119
sched_setaffinity 203 122
sched_setattr 314 274
ioprio_set 251 30
move_pages 279 239
migrate_pages 256 238
process_madvise 440 440
process_mrelease 448 448
kcmp 312 272
shmat 30 196
shmctl 31 195
semop 65 193
semtimedop 220 192
semctl 66 191
msgsnd 69 189
msgrcv 70 188
msgctl 71 187
mq_unlink 241 181
syslog 103 116
acct 163 89
quotactl 179 60
settimeofday 164 170
clock_settime 227 112
sethostname 170 161
setdomainname 171 162
iopl 172 -
ioperm 173 -
modify_ldt 154 -
pidfd_send_signal 424 424
io_uring_setup 425 425
io_uring_enter 426 426
io_uring_register 427 427
open_tree 428 428
move_mount 429 429
fsopen 430 430
fsconfig 431 431
fsmount 432 432
fspick 433 433
pidfd_open 434 434
pidfd_getfd 438 438
mount_setattr 442 442
quotactl_fd 443 443
memfd_secret 447 447
"""
"""Network, other processes, and the parts of the kernel that were most often a way out."""

ATTRIBUTES: Final = """
chmod 90 -
fchmod 91 52
chown 92 -
fchown 93 55
lchown 94 -
utime 132 -
setxattr 188 5
lsetxattr 189 6
fsetxattr 190 7
removexattr 197 14
lremovexattr 198 15
fremovexattr 199 16
utimes 235 -
fchownat 260 54
futimesat 261 -
fchmodat 268 53
utimensat 280 88
fchmodat2 452 452
setxattrat 463 463
removexattrat 466 466
"""
"""Owner, mode, times and attributes of files: where files are shared, no path rule covers them."""

SHARED: Final = """
fallocate 285 47
"""
"""Room on a disk without writing to it, which no limit of file sizes covers."""

PROCESSES: Final = """
fork 57 -
vfork 58 -
execve 59 221
execveat 322 281
"""
"""New processes and programs, but for clone, which also makes threads."""

SIGNALS: Final = """
kill 62 129
tgkill 234 131
"""
"""Signals to a process that the first argument names."""

SPECIAL: Final = """
clone 56 220
clone3 435 435
prctl 157 167
prlimit64 302 261
fcntl 72 25
ioctl 16 29
seccomp 317 277
"""
"""Those that are looked at more closely, and the one that installs a filter."""
