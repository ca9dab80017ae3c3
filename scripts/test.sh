#!/usr/bin/env bash
# Runs every test suite to the end, whatever fails on the way, and closes with one line per suite. `make test` calls
# this after set-up; the whole output of each suite stays in target/test-logs.
set -uo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
logs=$target/test-logs
mkdir -p "$logs"

summary=()
services=
failed=0
tests_passed=0
tests_failed=0

main() {
  start_services
  suite build cargo build --workspace --all-targets --locked
  suite rust cargo test --workspace --locked --no-fail-fast
  suite gateway-only cargo check --package azimuth --no-default-features --locked
  suite tidy cargo xtask tidy
  suite format cargo fmt --all --check
  suite clippy cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
  suite conformance conformance/run.py

  echo
  echo "=== summary (logs in $logs)"
  printf '%s\n' "${summary[@]}"
  echo "$tests_passed passed, $tests_failed failed"
  exit "$failed"
}

# PostgreSQL and Redis for as long as the tests run. Without them the rest still runs, and the run has failed.
start_services() {
  services=$(mktemp -d)
  trap 'scripts/services.sh stop "$services"' EXIT
  local exports
  if exports=$(scripts/services.sh start "$services"); then
    eval "$exports"
    summary+=("$(printf '%-13s %-7s' services ok)")
  else
    trap - EXIT
    failed=1
    summary+=("$(printf '%-13s %-7s' services FAILED)")
  fi
}

suite() { # name, command...
  local name=$1 log=$logs/$1.log status start=$SECONDS
  shift
  echo
  echo "=== $name: $*"
  "$@" 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}

  local passed broken verdict=ok
  read -r passed broken < <(count "$log")
  if ((status != 0)); then
    verdict=FAILED
    failed=1
    # A suite that broke without naming a test still counts as one failure.
    ((broken > 0)) || broken=1
  fi
  tests_passed=$((tests_passed + passed))
  tests_failed=$((tests_failed + broken))
  local counts=
  ((passed + broken == 0)) || counts="$passed passed, $broken failed"
  summary+=("$(printf '%-13s %-7s %6d s  %s' "$name" "$verdict" $((SECONDS - start)) "$counts")")
  while IFS= read -r line; do summary+=("              $line"); done < <(grep -E '^(SKIPPED|FAIL) ' "$log")
}

# Adds up the closing lines: cargo's `test result: ok. 3 passed; 0 failed` and the conformance runner's total.
count() { # log
  awk '
    /^test result: / { match($0, /[0-9]+ passed/); passed += substr($0, RSTART); match($0, /[0-9]+ failed/); failed += substr($0, RSTART) }
    /^total: / { passed += $2; failed += $4 }
    END { print passed + 0, failed + 0 }
  ' "$1"
}

main
