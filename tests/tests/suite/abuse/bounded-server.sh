#!/bin/sh
# Gives its process to the server $BOUNDED_PROGRAM, which then may have $BOUNDED_KIB of address space.
ulimit -v "$BOUNDED_KIB" || exit 1
exec "$BOUNDED_PROGRAM" "$@"
