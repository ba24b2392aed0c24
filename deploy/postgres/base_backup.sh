#!/bin/sh
# base_backup.sh ARCHIVE [KEEP]: makes a base backup of the running cluster in ARCHIVE/base, verifies
# it, and deletes all but the newest KEEP (2) base backups and the WAL in ARCHIVE/wal before them.
# Connects by PGHOST etc., like psql, as a superuser or a role with REPLICATION.
set -eu

archive=$1
keep=${2:-2}
umask 077
mkdir -p "$archive/base" "$archive/wal"
draft=$archive/base/.part
rm -rf "$draft"

pg_basebackup --username="${PGUSER:-postgres}" --no-password --pgdata="$draft" \
    --checkpoint=fast --wal-method=stream --manifest-checksums=SHA256
pg_verifybackup --quiet "$draft"
# Named by its end: recovery is possible to any time after it.
name=base-$(date -u +%Y%m%dT%H%M%SZ)
mv "$draft" "$archive/base/$name"

find "$archive/base" -maxdepth 1 -name 'base-*' | sort | head -n "-$keep" |
    while read -r old; do rm -rf "$old"; done
oldest=$(find "$archive/base" -maxdepth 1 -name 'base-*' | sort | head -n 1)
first=$(sed -n 's/^START WAL LOCATION: .*(file \(.*\))$/\1/p' "$oldest/backup_label")
pg_archivecleanup -x .gz "$archive/wal" "$first"
echo "Wrote $archive/base/$name; recovery is possible to any time after its end."
