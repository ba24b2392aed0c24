#!/bin/sh
# PostgreSQL's archive_command: archive.sh PATH NAME FOLDER keeps a finished segment of the
# write-ahead log as FOLDER/NAME.gz. Fails rather than write over another one of that name.
set -eu

umask 077
mkdir -p "$3"
target=$3/$2.gz
if [ -e "$target" ]; then
    # Archived before a crash that kept PostgreSQL from knowing.
    gzip --decompress --stdout "$target" | cmp --silent - "$1"
    exit
fi
gzip --stdout "$1" > "$target.part"
sync "$target.part"
mv "$target.part" "$target"
sync "$3"
