# shellcheck shell=bash
# Sourced by the scripts beside it: messages, the cache directory, Debian packages on demand.

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
# shellcheck disable=SC2034 # used by the scripts that source this
setup_cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/kubefile/setup
# shellcheck disable=SC2034
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# Messages go to standard error: standard output belongs to a script's result.
say() { echo "setup: $*" >&2; }

# fail MESSAGE [HINT]: the environment lacks something, which is exit code 3 for the whole project.
fail() {
  echo "setup: $1" >&2
  [ $# -lt 2 ] || echo "       $2" >&2
  exit 3
}

has() { command -v "$1" >/dev/null; }

# may_change WHAT: root and CI change the machine without a question, a person is asked.
may_change() {
  if [ "$(id -u)" = 0 ] || [ -n "${CI:-}" ]; then return 0; fi
  [ -t 0 ] && has sudo || return 1
  local answer
  read -r -p "$1 (with sudo)? [y/N] " answer
  [[ $answer == [yY]* ]]
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# one_at_a_time NAME: this shell goes on once no other of this machine is between here and its end; test files run side by side.
one_at_a_time() {
  has flock || return 0
  mkdir -p "$setup_cache"
  exec 9>"$setup_cache/$1.lock"
  flock 9
}

# ensure_commands COMMAND:PACKAGE...: installs the Debian packages of those commands that are missing.
ensure_commands() {
  local pair log packages=()
  for pair in "$@"; do
    has "${pair%%:*}" || [[ " ${packages[*]} " == *" ${pair##*:} "* ]] || packages+=("${pair##*:}")
  done
  [ ${#packages[@]} -gt 0 ] || return 0
  has apt-get || fail "these are missing: ${packages[*]}" "Install them with this system's package manager."
  may_change "Install ${packages[*]}" || fail "these are missing: ${packages[*]}" "Install them: apt-get install ${packages[*]}"
  say "installing ${packages[*]}"
  log=$(mktemp)
  # RUNLEVEL=1 keeps packages from starting their services: without an init that fails, and docker-registry's is not wanted.
  (
    one_at_a_time packages
    as_root sh -c 'apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "$@"' apt "${packages[@]}" >"$log" 2>&1
  ) || { tail -n 15 "$log" >&2; rm -f "$log"; fail "apt-get cannot install ${packages[*]}" "Its last lines are above."; }
  rm -f "$log"
  hash -r
}

# at_least MINIMUM VERSION: compares dotted versions, a leading v does not matter.
at_least() {
  [ -n "$2" ] && printf '%s\n%s\n' "${1#v}" "${2#v}" | sort --version-sort --check=quiet
}
