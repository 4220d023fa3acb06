#!/usr/bin/env bash
# Gateway tests: the configuration of docs/gateways.md in a real HAProxy on loopback, before tokens that this tool made and forgeries of
# them. What is missing is named and counts as a failure: nothing is skipped in silence.
set -u
cd "$(dirname "$0")/../.." || exit 1

missing() {
  echo "breakglass gateway tests: $1" >&2
  echo "tests: 0 passed, 1 failed"
  exit 1
}

if ! command -v haproxy >/dev/null; then
  [ "$(id -u)" = 0 ] || missing 'haproxy is missing: apt-get install haproxy'
  (apt-get install -y -q --no-install-recommends haproxy || { apt-get update -q && apt-get install -y -q --no-install-recommends haproxy; }) >/dev/null 2>&1
  command -v haproxy >/dev/null || missing 'haproxy is missing and apt-get could not install it'
fi
haproxy -v | head -n 1

out=$(npx vitest run --config test/gateway/vitest.config.ts --reporter=verbose "$@" 2>&1)
status=$?
printf '%s\n' "$out"

# Counts are read from what the runner printed; a run that printed none has failed.
summary=$(sed 's/\x1b\[[0-9;]*m//g' <<<"$out" | grep -E '^ *Tests +' | tail -n 1)
passed=$(grep -oE '[0-9]+ passed' <<<"$summary" | grep -oE '[0-9]+' || echo 0)
failed=$(grep -oE '[0-9]+ failed' <<<"$summary" | grep -oE '[0-9]+' || echo 0)
[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
[ "$passed" -gt 0 ] || [ "$failed" -gt 0 ] || failed=1
echo "tests: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
