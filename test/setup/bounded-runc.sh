# shellcheck shell=bash
# Sourced after machine.sh. kind runs its nodes with --privileged, for which runc asks for every capability it knows. In a
# container, root may lack some (CAP_SYS_RESOURCE often) and runc refuses. The wrapper made here takes those out of each
# container's config.

capabilities=(CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
  NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT
  SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
  WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE) # in the kernel's order, bit 0 first

# bounded_runc: sets runtime_options to dockerd's arguments; none where this machine withholds nothing.
bounded_runc() {
  local bounding last missing=() bit wrapper alternatives
  # shellcheck disable=SC2016 # awk's own variables
  bounding=$((16#$(as_root awk '$1 == "CapBnd:" { print $2 }' /proc/self/status)))
  last=$(cat /proc/sys/kernel/cap_last_cap)
  for bit in "${!capabilities[@]}"; do
    if ((bit <= last && !(bounding >> bit & 1))); then missing+=("CAP_${capabilities[bit]}"); fi
  done
  runtime_options=()
  [ ${#missing[@]} -gt 0 ] || return 0
  wrapper=/usr/local/bin/runc-within-bounds
  say "engine: this machine withholds ${missing[*]}; containers will run without"
  alternatives=$(IFS='|' && echo "${missing[*]}")
  # Renamed into place: another engine may be about to run it.
  as_root tee "$wrapper.$$" >/dev/null <<WRAPPER
#!/bin/bash
# runc, with the capabilities removed that this machine's bounding set lacks: $alternatives
previous=
for argument in "\$@"; do
  case \$previous in
    --bundle | -b) config=\$argument/config.json ;;
    --process | -p) config=\$argument ;;
    *) config= ;;
  esac
  if [ -f "\$config" ]; then sed -Ei 's/"($alternatives)",?//g; s/,\]/]/g' "\$config"; fi
  previous=\$argument
done
exec $(command -v runc) "\$@"
WRAPPER
  as_root chmod 755 "$wrapper.$$"
  as_root mv "$wrapper.$$" "$wrapper"
  # shellcheck disable=SC2034 # for whoever starts dockerd
  runtime_options=(--add-runtime "bounded=$wrapper" --default-runtime bounded)
}
