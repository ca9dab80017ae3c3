#!/usr/bin/env bash
# Installs the system packages that building (and with --test, testing) needs. Looks first, and asks for root only
# when something is missing, so a second run is silent and takes no time.
set -euo pipefail

RUST_MIN=1.94
NODE_MIN=20
PYTHON_MIN=3.10

missing_packages=()
missing_tools=()

main() {
  need_program make make
  need_program cmake cmake
  need_program g++ g++
  need_program ccache ccache
  has_libclang || missing_packages+=(libclang-dev)
  need_version cargo "$RUST_MIN" "Rust $RUST_MIN or newer, from https://rustup.rs"

  if [[ "${1:-}" == --test ]]; then
    need_version node "$NODE_MIN" "Node.js $NODE_MIN or newer, from https://nodejs.org"
    need_version npm 9 "npm 9 or newer; it comes with Node.js"
    need_version python3 "$PYTHON_MIN" "Python $PYTHON_MIN or newer"
    # Debian ships Python without the part that makes virtual environments.
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing_packages+=(python3-venv)
    has_postgres || missing_packages+=(postgresql)
    need_program redis-server redis-server
    need_program redis-cli redis-tools
  fi

  install_packages
  report_tools
}

need_program() { # program, Debian package
  command -v "$1" >/dev/null || missing_packages+=("$2")
}

need_version() { # program, least version, what to install
  local found
  found=$("$1" --version 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1) || true
  if [[ -z "$found" ]]; then
    missing_tools+=("$3 (not found)")
  elif [[ "$(printf '%s\n' "$2" "$found" | sort -V | head -n 1)" != "$2" ]]; then
    missing_tools+=("$3 (found $found)")
  fi
}

# bindgen loads libclang as a library, so no program on the PATH tells whether it is there.
has_libclang() {
  [[ -n "${LIBCLANG_PATH:-}" ]] && return
  local folder
  for folder in /usr/lib /usr/lib64 /usr/lib/*-linux-gnu /usr/lib/llvm*/lib /usr/lib/llvm/*/lib64 \
    /opt/homebrew/opt/llvm/lib /usr/local/opt/llvm/lib /Library/Developer/CommandLineTools/usr/lib; do
    compgen -G "$folder/libclang*.so*" >/dev/null && return
    compgen -G "$folder/libclang.dylib" >/dev/null && return
  done
  return 1
}

# Debian keeps the server's programs off the PATH.
has_postgres() {
  command -v initdb >/dev/null || compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null
}

install_packages() {
  ((${#missing_packages[@]})) || return 0

  local as_root=()
  if ! command -v apt-get >/dev/null; then
    missing_tools+=("with your system's package manager, what Debian calls: ${missing_packages[*]}")
    return
  elif [[ "$(id -u)" != 0 ]]; then
    if ! command -v sudo >/dev/null; then
      missing_tools+=("as root: apt-get install ${missing_packages[*]}")
      return
    fi
    as_root=(sudo)
  fi

  echo "setup: installing ${missing_packages[*]}${as_root:+ (with sudo)}"
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing_packages[@]}"
}

report_tools() {
  ((${#missing_tools[@]})) || return 0
  echo "setup: please install" >&2
  printf '  - %s\n' "${missing_tools[@]}" >&2
  exit 1
}

main "$@"
