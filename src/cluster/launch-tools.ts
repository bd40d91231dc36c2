/**
 * Everything a launch may count on besides the rootfs's own `bin/`: a POSIX shell, the POSIX text and file tools, and
 * what starts applications in a cluster. A site provides these; a launch that needs more brings it in `bin/`.
 */
export const launchTools: readonly string[] = [
  "sh",
  // Files and directories
  ...[
    "basename",
    "cat",
    "chgrp",
    "chmod",
    "chown",
    "cmp",
    "cp",
    "dd",
    "df",
    "diff",
    "dirname",
    "du",
    "find",
    "install",
  ],
  ...[
    "ln",
    "ls",
    "mkdir",
    "mkfifo",
    "mktemp",
    "mv",
    "pwd",
    "readlink",
    "realpath",
    "rm",
    "rmdir",
    "stat",
    "sync",
    "tee",
  ],
  ...["touch", "truncate"],
  // Text
  ...["awk", "base64", "comm", "cut", "egrep", "expand", "fgrep", "fold", "grep", "head", "join", "nl", "od", "paste"],
  ...["printf", "sed", "seq", "sort", "split", "tac", "tail", "tr", "uniq", "wc", "xargs", "yes"],
  // Sums
  ...["cksum", "md5sum", "sha1sum", "sha256sum", "sha512sum"],
  // Processes and the machine
  ...["date", "echo", "env", "expr", "false", "hostname", "id", "kill", "nice", "nohup", "nproc", "sleep", "test", "["],
  ...["timeout", "true", "uname", "whoami"],
  // Archives
  ...["gunzip", "gzip", "tar", "zcat"],
  // Clusters
  ...["helm", "kubectl"],
];
