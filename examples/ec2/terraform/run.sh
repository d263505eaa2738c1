# What Systems Manager runs on the instance, as root, for one run: the commit's files, an environment of their own, and the
# entry point as a unit of systemd that has no rights and an end. Its words come from the document, which checks each.
# Ends as the entry point ended. Every step that fails ends it: no load, and no 0.
set -eu
umask 022

base=${BASE:-/var/lib/syncload}
# The first boot installs Python, and may still be at it.
cloud-init status --wait >/dev/null
work=$(mktemp -d "$base/run.XXXXXXXX")
trap 'rm -rf "$work"' EXIT

aws s3api get-object --region "$REGION" --bucket "$BUCKET" --key "sources/$NONCE.tar.gz" "$work/source.tar.gz" >/dev/null
echo "$SHA256  $work/source.tar.gz" | sha256sum --check --quiet

# From here on nothing of the project runs as root.
chmod 755 "$work"
chmod 644 "$work/source.tar.gz"
install -d -o syncload -g syncload "$work/project"
runuser -u syncload -- tar -xzf "$work/source.tar.gz" -C "$work/project"
runuser -u syncload -- python3.13 -m venv "$work/project/.venv"
runuser -u syncload -- "$work/project/.venv/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir \
  --requirement "$work/project/requirements.txt"

set -- --environment "$ENVIRONMENT" --phases "$PHASES" --bucket "$BUCKET" --region "$REGION" --nonce "$NONCE" \
  --seconds "$SECONDS_AT_MOST"
if [ "$SANDBOX" = accept ]; then
  set -- "$@" --sandbox
fi
for secret in $SECRETS; do
  set -- "$@" --secret "$secret"
done
# One name for the unit, so that a second run beside this one cannot begin. `mixed`: SIGTERM to the entry point alone, which
# passes it on; what is left when it has ended is killed. systemd-run ends as the entry point, and with 0 too where SIGTERM
# ended that (its manual, "Exit status"): no proof by itself, and then there are no files.
# shellcheck disable=SC2086 # TESTS are paths apart by blanks
systemd-run --wait --pipe --collect --quiet --unit=syncload-load --uid=syncload \
  --property=WorkingDirectory="$work/project" --property=LimitNOFILE=65535 --property=NoNewPrivileges=yes \
  --property=KillMode=mixed --property=TimeoutStopSec=120 --property=RuntimeMaxSec="$((SECONDS_AT_MOST + 180))" \
  -- "$work/project/.venv/bin/python" in_region/entry.py "$@" -- $TESTS
