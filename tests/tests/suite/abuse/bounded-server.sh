#!/bin/sh
# Gives its process to the server $BOUNDED_PROGRAM, which then may have $BOUNDED_KIB of address space.
# Naming the frames of a backtrace takes more address space than there is: the tables of a program that was not optimised
# are as large as that. No deployed server has them.
export RUST_BACKTRACE=0
ulimit -v "$BOUNDED_KIB" || exit 1
exec "$BOUNDED_PROGRAM" "$@"
