#!/bin/sh
# restore_to.sh MOMENT ARCHIVE PGDATA: fills the empty PGDATA with the last copy before MOMENT
# ("2026-01-31 12:00:00+00"), so that PostgreSQL, started on it, goes on until MOMENT and opens.
set -eu

moment=$1 archive=$2 pgdata=$3
umask 077
mkdir -p "$pgdata"
if [ -n "$(ls -A "$pgdata")" ]; then
    echo "$pgdata is not empty." >&2
    exit 1
fi
limit=base-$(date -u -d "$moment" +%Y%m%dT%H%M%SZ)
base=$(find "$archive/base" -maxdepth 1 -name 'base-*' | sort |
    while read -r each; do
        if expr "${each##*/}" "<" "$limit" > /dev/null; then echo "$each"; fi
    done | tail -n 1)
if [ -z "$base" ]; then
    echo "No copy in $archive/base is older than $moment." >&2
    exit 1
fi

cp -a "$base/." "$pgdata"
cat >> "$pgdata/postgresql.auto.conf" <<CONF
restore_command = 'gzip --decompress --stdout "$archive/wal/%f.gz" > "%p"'
recovery_target_time = '$moment'
recovery_target_action = 'promote'
CONF
touch "$pgdata/recovery.signal"
echo "$pgdata begins as ${base##*/} and will go on until $moment."
