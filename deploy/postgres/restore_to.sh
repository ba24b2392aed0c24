#!/bin/sh
# restore_to.sh TIME ARCHIVE PGDATA: fills the empty PGDATA with the last base backup before TIME
# ("2026-01-31 12:00:00+00"). PostgreSQL, started on it, recovers to TIME and then accepts writes.
set -eu

target_time=$1 archive=$2 pgdata=$3
umask 077
mkdir -p "$pgdata"
if [ -n "$(ls -A "$pgdata")" ]; then
    echo "$pgdata is not empty." >&2
    exit 1
fi
limit=base-$(date -u -d "$target_time" +%Y%m%dT%H%M%SZ)
base=$(find "$archive/base" -maxdepth 1 -name 'base-*' | sort |
    while read -r each; do
        if expr "${each##*/}" "<" "$limit" > /dev/null; then echo "$each"; fi
    done | tail -n 1)
if [ -z "$base" ]; then
    echo "No base backup in $archive/base is older than $target_time." >&2
    exit 1
fi

cp -a "$base/." "$pgdata"
cat >> "$pgdata/postgresql.auto.conf" <<CONF
restore_command = 'gzip --decompress --stdout "$archive/wal/%f.gz" > "%p"'
recovery_target_time = '$target_time'
recovery_target_action = 'promote'
CONF
touch "$pgdata/recovery.signal"
echo "$pgdata is ${base##*/}; PostgreSQL will recover it to $target_time."
