#!/usr/bin/env bash
# Starts a PostgreSQL and a Redis for the tests, with everything they keep in one folder and nothing shared with servers
# that are already here: ports and passwords are drawn, and they listen to this machine only.
#
#   eval "$(scripts/services.sh start FOLDER)"   # sets AZIMUTH_TEST_POSTGRES and AZIMUTH_TEST_REDIS
#   scripts/services.sh stop FOLDER              # and removes the folder
#
# What they keep does not survive a crash, which makes them quick.
set -euo pipefail

main() {
  (($# == 2)) || usage
  local command=$1 folder=$2
  case "$command" in
    start) start "$folder" ;;
    stop) stop "$folder" ;;
    *) usage ;;
  esac
}

usage() {
  echo "usage: scripts/services.sh start|stop FOLDER" >&2
  exit 2
}

start() { # folder
  mkdir -p "$1"
  local folder
  folder=$(cd "$1" && pwd)
  if [[ -n "$(ls -A "$folder")" ]]; then
    echo "services: \`$folder\` is not empty" >&2
    exit 1
  fi
  local password
  password=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
  # Whoever reads the folder can become the servers' user through them.
  (umask 077 && printf '%s' "$password" >"$folder/password")

  if ! { start_postgres "$folder" && start_redis "$folder" "$password"; } >&2; then
    stop "$folder" || true
    exit 1
  fi
  cat <<ENV
export AZIMUTH_TEST_POSTGRES=postgres://azimuth:$password@127.0.0.1:$(<"$folder/postgres.port")/postgres
export AZIMUTH_TEST_REDIS=redis://:$password@127.0.0.1:$(<"$folder/redis.port")
ENV
}

start_postgres() { # folder
  local folder=$1 programs port
  programs=$(postgres_programs) || return 1
  if [[ "$(id -u)" == 0 ]]; then
    # PostgreSQL does not run as root.
    chown "$(unprivileged)" "$folder" "$folder/password"
  fi
  # Sorted by the rules of a language, as most servers do, so that tests notice what depends on it.
  local order=(--locale=C)
  ! "$programs/initdb" --help | grep -q -- --icu-locale || order+=(--locale-provider=icu --icu-locale=en-US)
  as_unprivileged "$programs/initdb" --pgdata="$folder/postgres" --username=azimuth --pwfile="$folder/password" \
    --auth=scram-sha-256 --encoding=UTF8 "${order[@]}" --no-sync >"$folder/initdb.log" ||
    { cat "$folder/initdb.log"; return 1; }
  cat <<CONF | as_unprivileged tee -a "$folder/postgres/postgresql.conf" >/dev/null
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 400
shared_buffers = '64MB'
fsync = off
synchronous_commit = off
full_page_writes = off
CONF
  for _ in 1 2 3 4 5; do
    port=$(free_port)
    if as_unprivileged "$programs/pg_ctl" start --pgdata="$folder/postgres" --log="$folder/postgres.log" --options="-p $port" \
      --wait --silent; then
      printf '%s' "$port" >"$folder/postgres.port"
      return
    fi
  done
  cat "$folder/postgres.log"
  return 1
}

start_redis() { # folder, password
  local folder=$1 password=$2 port
  for _ in 1 2 3 4 5; do
    port=$(free_port)
    (
      umask 077
      cat >"$folder/redis.conf" <<CONF
bind 127.0.0.1
port $port
requirepass $password
dir $folder
pidfile $folder/redis.pid
logfile $folder/redis.log
save ""
appendonly no
daemonize yes
CONF
    )
    # It says whether it could listen only by being there.
    redis-server "$folder/redis.conf" || continue
    for _ in {1..50}; do
      if REDISCLI_AUTH=$password redis-cli -p "$port" ping 2>/dev/null | grep -q PONG; then
        printf '%s' "$port" >"$folder/redis.port"
        return
      fi
      sleep 0.1
    done
  done
  cat "$folder/redis.log"
  return 1
}

stop() { # folder
  local folder
  folder=$(cd "$1" && pwd)
  if [[ ! -f "$folder/password" ]]; then
    echo "services: nothing was started in \`$folder\`" >&2
    exit 1
  fi
  [[ ! -f "$folder/redis.pid" ]] || kill "$(<"$folder/redis.pid")" 2>/dev/null || true
  if [[ -f "$folder/postgres/postmaster.pid" ]]; then
    as_unprivileged "$(postgres_programs)/pg_ctl" stop --pgdata="$folder/postgres" --mode=immediate --silent || true
  fi
  rm -rf "$folder"
}

# Debian keeps the server's programs off the PATH.
postgres_programs() {
  local program
  if program=$(command -v pg_ctl); then
    dirname "$(readlink -f "$program")"
    return
  fi
  program=$(printf '%s\n' /usr/lib/postgresql/*/bin/pg_ctl | sort -V | tail -n 1)
  if [[ ! -x "$program" ]]; then
    echo "services: PostgreSQL is not installed; scripts/setup.sh --test does it" >&2
    return 1
  fi
  dirname "$program"
}

as_unprivileged() { # command...
  if [[ "$(id -u)" == 0 ]]; then
    # From a folder it may enter.
    (cd / && setpriv --reuid="$(unprivileged)" --regid="$(id -g "$(unprivileged)")" --clear-groups "$@")
  else
    "$@"
  fi
}

unprivileged() {
  if id postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}

free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

main "$@"
