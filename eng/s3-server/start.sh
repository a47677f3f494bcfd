#!/bin/bash
# Starts a real S3 server (Ceph radosgw) on loopback in DIRECTORY and waits until it answers. See README.md.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
run=${1:?usage: start.sh DIRECTORY}
store=${STORE:-memstore}; bucket=${BUCKET:-woodpecker}; owner=${OWNER_PID:-}
access=AKWOODPECKER; secret=SKWOODPECKER

for program in ceph-mon ceph-osd radosgw ceph monmaptool radosgw-admin curl openssl; do
  command -v $program >/dev/null || { echo "$program is missing; run eng/s3-server/install.sh" >&2; exit 3; }
done
[ ! -e "$run" ] || [ -z "$(ls -A "$run")" ] || { echo "$run is not empty" >&2; exit 2; }
mkdir -p "$run"/{mon.a,osd.0,crash}; run=$(cd "$run" && pwd); : > "$run/pids"

is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
base=${BASE_PORT:-}
while [ -z "$base" ]; do
  # Below the range the kernel hands out by itself (32768 and up), in steps of the 64 ports we use.
  try=$((16384 + (RANDOM % 250) * 64)); base=$try
  for port in $(seq $try $((try + 9))); do is_free "$port" || { base=; break; }; done
done

fsid=$(cat /proc/sys/kernel/random/uuid)
sed -e "s|@FSID@|$fsid|;s|@RUN@|$run|g;s|@STORE@|$store|;s|@PORT@|$base|;s|@MON2@|$((base + 1))|;s|@MON1@|$((base + 2))|" \
    -e "s|@OSD_FIRST@|$((base + 3))|;s|@OSD_LAST@|$((base + 63))|" "$here/ceph.conf.in" > "$run/ceph.conf"
export CEPH_CONF="$run/ceph.conf"

spawn() { # NAME COMMAND...: in a session of its own, so that a signal to the caller's group does not end it
  local name=$1; shift
  setsid "$@" > "$run/$name.out" 2>&1 < /dev/null & echo $! >> "$run/pids"; disown
}
give_up() { echo "$1; last lines of the logs in $run:" >&2; tail -n 5 "$run"/*.out >&2 || true; "$here/stop.sh" "$run" --keep; exit 1; }

monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$((base + 1)),v1:127.0.0.1:$((base + 2))]" "$run/monmap" > /dev/null
ceph-mon --mkfs -i a --monmap "$run/monmap" -c "$CEPH_CONF" > "$run/mon-mkfs.out" 2>&1 || give_up "the monitor could not be set up"
spawn mon ceph-mon -f -i a -c "$CEPH_CONF"
osd=$(cat /proc/sys/kernel/random/uuid)
timeout 60 ceph -c "$CEPH_CONF" osd new "$osd" > "$run/osd-new.out" 2>&1 || give_up "the monitor does not answer"
ceph-osd -i 0 --mkfs --osd-uuid "$osd" -c "$CEPH_CONF" > "$run/osd-mkfs.out" 2>&1 || give_up "the OSD could not be set up"
spawn osd ceph-osd -f -i 0 -c "$CEPH_CONF"
spawn rgw radosgw -f -n client.rgw.a -c "$CEPH_CONF"

url=http://127.0.0.1:$base
for _ in $(seq 1 600); do curl -s -o /dev/null "$url/" && break; sleep 0.1; done
curl -s -o /dev/null "$url/" || give_up "the gateway does not answer at $url"
timeout 60 radosgw-admin -c "$CEPH_CONF" -n client.rgw.a user create --uid=woodpecker --display-name=woodpecker \
  --access-key=$access --secret-key=$secret > "$run/user.json" 2> "$run/user.out" || give_up "the user could not be created"
# The bucket; signed the old way (version 2), because the version 4 of older curls is refused.
date=$(LC_ALL=C date -u '+%a, %d %b %Y %H:%M:%S GMT')
signature=$(printf 'PUT\n\n\n%s\n/%s' "$date" "$bucket" | openssl dgst -sha1 -hmac "$secret" -binary | base64)
curl -s -f -o "$run/bucket.out" -X PUT -H 'Content-Length: 0' -H "Date: $date" -H "Authorization: AWS $access:$signature" \
  "$url/$bucket" || give_up "the bucket could not be created"

if [ -n "$owner" ]; then
  setsid bash -c "while kill -0 $owner 2>/dev/null; do sleep 1; done; exec '$here/stop.sh' '$run'" > /dev/null 2>&1 < /dev/null &
  echo $! > "$run/watcher"
fi
cat > "$run/server.env" <<END
S3_URL=$url
S3_BUCKET=$bucket
AWS_ACCESS_KEY_ID=$access
AWS_SECRET_ACCESS_KEY=$secret
S3_CONNECTION=s3://$bucket?endpoint=$url&region=us-east-1&pathStyle=true
END
cat "$run/server.env"
