#!/bin/sh
# A shell script that syncs three clients, each under a client run of its own. Start it with:
#
#   ./rollcall exec --job nightly_sync -- sh examples/nightly-sync.sh
#
# Inside, 'rollcall exec --client' joins the run: exit codes become verdicts, and one failure does not stop the rest.
rollcall=${ROLLCALL_COMMAND:-rollcall}
failed=0

echo "::rollcall expect acme globex initech"
for client in acme globex initech; do
  $rollcall exec --client "$client" --retries 1 --retry-delay 100ms -- sh -c '
    echo "syncing $ROLLCALL_CLIENT_ID, attempt $ROLLCALL_ATTEMPT"
    if [ "$ROLLCALL_CLIENT_ID" = globex ]; then
      echo "no route to the host of globex" >&2
      exit 7
    fi
    echo "::rollcall metric name=\"Rows Synced\" value=12 unit={row}"
  ' || failed=$((failed + 1))
done
echo "$failed of 3 failed"
