#!/bin/bash
# Stops what start.sh started in DIRECTORY, by process id, and removes the directory (not with --keep).
run=${1:?usage: stop.sh DIRECTORY [--keep]}
[ -f "$run/pids" ] || exit 0
is_ours() { [ -r "/proc/$1/cmdline" ] && tr '\0' ' ' < "/proc/$1/cmdline" 2>/dev/null | grep -qF -- "$run/ceph.conf"; } # ids are reused after a crash
mapfile -t pids < <(tac "$run/pids")
for pid in "${pids[@]}"; do is_ours "$pid" && kill "$pid" 2>/dev/null; done
for _ in $(seq 1 20); do
  alive=0; for pid in "${pids[@]}"; do is_ours "$pid" && alive=1; done
  [ $alive = 0 ] && break; sleep 0.1
done
for pid in "${pids[@]}"; do is_ours "$pid" && kill -9 "$pid" 2>/dev/null; done
watcher=$(cat "$run/watcher" 2>/dev/null)
if [ -n "$watcher" ] && [ "$watcher" != $$ ] && tr '\0' ' ' < "/proc/$watcher/cmdline" 2>/dev/null | grep -qF -- "stop.sh"; then
  kill "$watcher" 2>/dev/null
fi
[ "${2:-}" = --keep ] || rm -rf -- "$run"
exit 0
