#!/bin/sh
shutdown -P +@LIFE_MINUTES@ || { (sleep @LIFE_SECONDS@; poweroff -f) >/dev/null 2>&1 & }
# The line above ends this machine whatever happens below: it was started with "terminate on shutdown".
work=$(mktemp -d "${TMPDIR:-/var/tmp}/assay.XXXXXX") && cd "$work" || { shutdown -P now; exit 1; }
exec >boot.log 2>&1 </dev/null
umask 077

finish() {
    trap - EXIT
    [ -s agent.pyz ] && python3 agent.pyz send order.json boot.log
    shutdown -P now
}
trap finish EXIT
trap 'exit 143' TERM INT HUP

fail() {
    echo "boot: $1"
    [ -s agent.pyz ] && python3 agent.pyz report order.json failed "$1"
    exit 1
}

cat >order.json <<'END_OF_ORDER'
@ORDER@
END_OF_ORDER

cat >fetch.py <<'END_OF_FETCH'
import hashlib, json, time, urllib.request
order = json.load(open("order.json"))
for pause in (2, 5, 15, 30, 0):
    try:
        with urllib.request.urlopen(order["agent_url"], timeout=60) as answer:
            agent = answer.read(32 << 20)
        break
    except OSError as error:
        print("fetch:", error)
        time.sleep(pause)
else:
    raise SystemExit("fetch: the agent could not be fetched")
found = hashlib.sha256(agent).hexdigest()
if found != order["agent_sha256"]:
    raise SystemExit("fetch: the agent has SHA-256 " + found + "; expected " + order["agent_sha256"])
open("agent.pyz", "wb").write(agent)
END_OF_FETCH
python3 fetch.py || fail "the agent could not be fetched"
python3 agent.pyz report order.json booted

export DEBIAN_FRONTEND=noninteractive
for pause in 10 30 0; do
    apt-get -q -y -o DPkg::Lock::Timeout=120 update &&
        apt-get -q -y -o DPkg::Lock::Timeout=120 install --no-install-recommends @PACKAGES@ && installed=yes && break
    sleep "$pause"
done
[ "${installed:-}" = yes ] || fail "the packages could not be installed"

python3 agent.pyz fleet order.json || fail "the agent ended with exit code $?"
