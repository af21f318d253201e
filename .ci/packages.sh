# For scripts to source: install_missing PACKAGE… brings what the system lacks, or says what to type and fails.
# Names are Debian's and Ubuntu's.

install_missing() {
  (($#)) || return 0
  local root=()
  if ((EUID != 0)); then root=(sudo -n); fi
  if command -v apt-get >/dev/null && "${root[@]}" true 2>/dev/null; then
    printf '\n== installing %s\n' "$*"
    "${root[@]}" apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@"
  else
    printf 'Some system packages are missing. Install them, then try again:\n' >&2
    printf '  sudo apt-get install --no-install-recommends %s\n' "$*" >&2
    return 1
  fi
}
