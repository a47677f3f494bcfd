#!/bin/bash
# Installs what start.sh needs (Debian, Ubuntu). Does nothing if it is there.
set -euo pipefail
need=()
for program in ceph-mon:ceph-mon ceph-osd:ceph-osd radosgw:radosgw ceph:ceph-common curl:curl openssl:openssl; do
  command -v "${program%%:*}" >/dev/null || need+=("${program##*:}")
done
if [ ${#need[@]} -eq 0 ]; then echo "everything is installed"; exit 0; fi
if ! command -v apt-get >/dev/null; then echo "install by hand: ${need[*]}" >&2; exit 1; fi
sudo=""; [ "$(id -u)" = 0 ] || sudo="sudo"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
$sudo apt-get install -y -qq --no-install-recommends "${need[@]}"
