#!/bin/sh
# The instance's first boot, by cloud-init, as root.
set -eu

# First of all, so that whatever else fails, nothing is paid for ever: at every boot a clock begins that ends it.
cat >/etc/systemd/system/syncload-off.service <<'UNIT'
[Unit]
Description=Power off: no load takes this long
[Service]
Type=oneshot
ExecStart=/usr/bin/systemctl poweroff
UNIT
cat >/etc/systemd/system/syncload-off.timer <<'UNIT'
[Unit]
Description=Power off after HOURS hours
[Timer]
OnBootSec=HOURSh
AccuracySec=1min
[Install]
WantedBy=timers.target
UNIT
systemctl daemon-reload
systemctl enable --now syncload-off.timer

# A port for each request in flight: by default Linux gives 28,232 to one address.
echo 'net.ipv4.ip_local_port_range = 1024 65535' >/etc/sysctl.d/90-syncload.conf
sysctl --quiet --load=/etc/sysctl.d/90-syncload.conf

useradd --system --no-create-home --shell /sbin/nologin syncload
install -d -m 755 /var/lib/syncload
dnf --quiet --assumeyes install python3.13 git-core
