#!/usr/bin/env bash
# System tests: the built command under real system calls, real mounts and real signals. Needs Linux, strace, age, openssl and the right to mount
# (root, or user namespaces). What is missing is named and counts as a failure: nothing is skipped in silence.
set -u
cd "$(dirname "$0")/../.." || exit 1

missing() {
  echo "breakglass system tests: $1" >&2
  echo "tests: 0 passed, 1 failed"
  exit 1
}

for tool in strace age openssl; do
  command -v "$tool" >/dev/null && continue
  [ "$(id -u)" = 0 ] || missing "$tool is missing: apt-get install $tool"
  (apt-get install -y -q "$tool" || { apt-get update -q && apt-get install -y -q "$tool"; }) >/dev/null 2>&1
  command -v "$tool" >/dev/null || missing "$tool is missing and apt-get could not install it"
done
strace -o /dev/null true 2>/dev/null || missing 'strace may not trace here (ptrace is forbidden)'

if [ ! -e dist/command/breakglass.js ] || [ -n "$(find src bin package.json -newer dist/command/SHA256SUMS -print -quit)" ]; then
  node bin/build.js || missing 'the build failed'
fi

# A mount namespace of our own: mounts disappear with the last process, however this ends.
namespace=(unshare --mount --propagation private)
[ "$(id -u)" = 0 ] || namespace=(unshare --map-root-user --mount --propagation private)
"${namespace[@]}" sh -c 'mount -t tmpfs tmpfs /mnt' 2>/dev/null || missing 'mounting is not allowed here: run it as root'
exec "${namespace[@]}" node test/system/main.js "$@"
