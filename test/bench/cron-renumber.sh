#!/bin/sh
# What a cron job on a home server does today when the prefix changes: everything is stopped,
# edited and made again. Called as: cron-renumber.sh SETTINGS
#
# SETTINGS sets INTERFACE, DAEMON_JSON, NDPPD_CONF, NETWORK, BRIDGE, IPV4_SUBNET, IMAGE, PUBLISH,
# STACK (a directory: `containers` lists "name ipv4 suffix port:port...", `NAME.sh` is what NAME
# runs) and the commands RESTART_DOCKER, RESTART_NDPPD and UPDATE_DNS.
#
# Kinder than scripts of its kind usually are: it renumbers what the containers are made from too,
# lets replies and ICMPv6 through, starts all containers at once, and they stop at once.
set -eu
. "$1"

# The first address listed is the newest.
new=$(ip -6 addr show dev "$INTERFACE" scope global -tentative |
  awk '/inet6/ { print $2 }' | head -n1 | cut -f1-4 -d:)
test -n "$new"
old=$(sed -n 's|.*"fixed-cidr-v6": "\(.*\):0::/80".*|\1|p' "$DAEMON_JSON")
test "$new" != "$old" || exit 0

down() {
  names=$(docker ps -aq)
  if [ -n "$names" ]; then
    # Not quoted: one word each.
    docker stop $names
    docker rm $names
  fi
  if docker network inspect "$NETWORK" >/dev/null 2>&1; then docker network rm "$NETWORK"; fi
}

up() {
  docker network create --ipv6 --subnet "$IPV4_SUBNET" --subnet "$new:1::/80" \
    --opt "com.docker.network.bridge.name=$BRIDGE" "$NETWORK"
  while read -r name ipv4 suffix ports; do
    publish=
    for port in $ports; do publish="$publish --publish $PUBLISH:$port"; done
    docker run --detach --name "$name" --restart unless-stopped --stop-signal SIGKILL \
      --network "$NETWORK" --ip "$ipv4" --ip6 "$new:$suffix" $publish \
      "$IMAGE" /bin/sh -c "$(cat "$STACK/$name.sh")" </dev/null &
  done <"$STACK/containers"
  wait
}

filter() {
  ip6tables -w -D FORWARD -d "$old:1::/80" -p tcp --dport 80 -j ACCEPT || :
  ip6tables -w -A FORWARD -d "$new:1::/80" -p tcp --dport 80 -j ACCEPT
}

down
sed -i "s|$old:|$new:|" "$DAEMON_JSON"
$RESTART_DOCKER
up
sed -i "s|$old:|$new:|" "$NDPPD_CONF"
$RESTART_NDPPD
filter
$UPDATE_DNS
