#!/bin/sh
# Prints each record of a session once, in order, whatever restarts in between: asks for
# all lines after those it has, again and again.
#
#   ./follow.sh http://localhost:5000 session_001
base=$1 session=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
after= failures=0
while :; do
    # A response that breaks off makes curl fail (exit code 18), so nothing is printed
    # before it is whole. No proxy of the environment stands before this machine itself.
    status=$(curl --silent --show-error --get --noproxy localhost,127.0.0.1,::1 \
        --speed-limit 1 --speed-time 60 \
        --header 'Accept: application/x-ndjson' \
        --data-urlencode "sessionId=$session" ${after:+--data-urlencode "after=$after"} \
        --dump-header "$work/head" --output "$work/lines" --write-out '%{http_code}' \
        "$base/api/records")
    if [ $? -eq 0 ] && [ "$status" = 200 ]; then
        cat "$work/lines"
        head=$(sed -n 's/^tailcast-head: *\([^[:space:]]*\).*/\1/p' "$work/head")
        after=${head:-$after}
        failures=0
        sleep 1
    elif [ "$status" = 400 ] || [ "$status" = 401 ]; then
        cat "$work/lines" >&2
        exit 1
    else
        # At random, so that clients do not come together, and ever longer.
        limit=$((1000 << (failures < 5 ? failures : 5)))
        [ "$limit" -le 20000 ] || limit=20000
        random=$(od -An -N2 -tu2 /dev/urandom)
        pause=$((500 + random % (limit - 499)))
        sleep "$((pause / 1000)).$(printf %03d $((pause % 1000)))"
        failures=$((failures + 1))
    fi
done
