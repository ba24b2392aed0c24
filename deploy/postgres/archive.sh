#!/bin/sh
# PostgreSQL's archive_command: archive.sh PATH NAME FOLDER copies a finished segment of the
# write-ahead log to FOLDER/NAME.gz. Fails when a different file of that name exists.
set -eu

umask 077
mkdir -p "$3"
target=$3/$2.gz
if [ -e "$target" ]; then
    # The segment was archived before a crash, but PostgreSQL did not record that.
    gzip --decompress --stdout "$target" | cmp --silent - "$1"
    exit
fi
gzip --stdout "$1" > "$target.part"
sync "$target.part"
mv "$target.part" "$target"
sync "$3"
