#!/usr/bin/env bash
# Installs what tests run against, from the distribution's packages: etcd, Ceph's S3 gateway, and spin with a C compiler for
# the models.
# What is there already is left alone. Where it cannot install (not Debian, no rights), it says what is missing and ends
# with 1; tests that need the server are then skipped with that reason.
set -uo pipefail

wanted=()
command -v etcd >/dev/null || wanted+=(etcd-server etcd-client)
if ! command -v radosgw >/dev/null || ! command -v ceph-osd >/dev/null || ! command -v ceph-mon >/dev/null; then
  wanted+=(ceph-mon ceph-osd radosgw ceph-common)
fi
command -v spin >/dev/null || wanted+=(spin)
command -v gcc >/dev/null || wanted+=(gcc libc6-dev)
if [ ${#wanted[@]} -eq 0 ]; then
  echo "etcd, radosgw, spin and gcc are installed."
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "Missing ${wanted[*]}: this script knows only apt-get; install them by hand to run every test."
  exit 1
fi

run=()
if [ "$(id -u)" -ne 0 ]; then
  if ! sudo -n true 2>/dev/null; then
    echo "Missing ${wanted[*]}: no right to install packages; run as root or install them by hand."
    exit 1
  fi
  run=(sudo -n)
fi

echo "Installing ${wanted[*]}"
export DEBIAN_FRONTEND=noninteractive
# A package whose service cannot start in a container must not fail the installation: the tests start their own.
log=$(mktemp)
if "${run[@]}" apt-get update -qq >"$log" 2>&1 \
  && "${run[@]}" apt-get install -y -qq --no-install-recommends "${wanted[@]}" >>"$log" 2>&1; then
  rm -f "$log"
  exit 0
fi
tail -5 "$log"
rm -f "$log"
echo "Installing ${wanted[*]} failed."
exit 1
