import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { messageOf, ReprefixError } from '../../shared/errors.ts'
import { inNamespace, labEnvironment, type RunResult, run, tryRun } from './command.ts'
import { startDaemon } from './daemon.ts'
import { waitFor } from './deadline.ts'
import { type DockerApi, dockerApi } from './docker-api.ts'
import { cgroupOf } from './lab-names.ts'
import { missingPackages, SERVICE_PACKAGES } from './packages.ts'
import type { RunDirectory } from './run-directory.ts'

/** A host in which systemd is process 1: this machine's programs, files of its own, one network. */
export interface SystemdHost {
  readonly docker: DockerApi
  /** Where a file of this host is, seen from outside. */
  path(inside: string): string
  put(inside: string, text: string): Promise<void>
  run(argv: readonly string[]): Promise<string>
  tryRun(argv: readonly string[]): Promise<RunResult>
}

const SYSTEMD = '/lib/systemd/systemd'

/** Units that would change the machine itself, or wait for devices that this host does not have. */
const MASKED = [
  ...['sysctl', 'binfmt', 'modules-load', 'tmpfiles-setup-dev', 'remount-fs', 'update-utmp'],
  ...['timesyncd', 'random-seed', 'udevd', 'udev-trigger', 'journal-flush', 'firstboot'],
].map((name) => `systemd-${name}.service`)
const MASKED_MOUNTS = [
  ...['proc-sys-fs-binfmt_misc.automount', 'dev-hugepages.mount', 'dev-mqueue.mount'],
  ...['sys-kernel-config.mount', 'sys-kernel-debug.mount', 'sys-kernel-tracing.mount'],
  'sys-fs-fuse-connections.mount',
]

/** Joins the lab's control group in every hierarchy, so that the sweep finds all of it. */
const JOIN_CGROUP = `set -e
group=$1; shift
join() {
  mkdir -p "$1/$group"
  for file in cpuset.cpus cpuset.mems; do
    if [ -f "$1/$file" ]; then cat "$1/$file" >"$1/$group/$file"; fi
  done
  echo $$ >"$1/$group/cgroup.procs"
}
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  join /sys/fs/cgroup
else
  for hierarchy in /sys/fs/cgroup/*; do [ -L "$hierarchy" ] || join "$hierarchy"; done
fi
exec "$@"`

/** Makes the root: this machine's below, a file system in memory above, and nothing of its state. */
const MAKE_ROOT = `set -e
base=$1
mount -t tmpfs -o size=2g tmpfs "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mount -t overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" overlay "$base/root"
root=$base/root
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
for path in run tmp dev var/lib/docker var/lib/containerd etc/docker; do
  mkdir -p "$root/$path"
  mount -t tmpfs -o mode=755 tmpfs "$root/$path"
done
chmod 1777 "$root/tmp"`

const BOOT = `${MAKE_ROOT}
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
cgroups=$root/sys/fs/cgroup
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 "$cgroups"
else
  mount -t tmpfs -o mode=755 tmpfs "$cgroups"
  for hierarchy in /sys/fs/cgroup/*; do
    if [ -L "$hierarchy" ]; then continue; fi
    name=\${hierarchy##*/}
    mkdir "$cgroups/$name"
    case $name in
    unified) mount -t cgroup2 cgroup2 "$cgroups/$name" ;;
    systemd) mount -t cgroup -o none,name=systemd cgroup "$cgroups/$name" ;;
    *) mount -t cgroup -o "$name" cgroup "$cgroups/$name" ;;
    esac
  done
fi
for unit in ${[...MASKED, ...MASKED_MOUNTS].join(' ')}; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
# Where a machine lets no package start its service, this host does.
rm -f "$root/usr/sbin/policy-rc.d"
cd "$root"
mkdir -p lab-old
pivot_root . lab-old
umount -l /lab-old
exec env -i container=reprefix-lab PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
  ${SYSTEMD} --unit=basic.target --log-target=journal`

const UNSHARE = ['unshare', '--mount', '--propagation', 'private', '--cgroup']

/** Why systemd cannot be process 1 of anything here, or `undefined` when it can. */
export function systemdObstacle(): string | undefined {
  const missing = missingPackages(SERVICE_PACKAGES)
  if (missing.length > 0 || !existsSync(SYSTEMD)) {
    return 'the Debian package systemd is missing (apt-get install systemd)'
  }
  try {
    execFileSync(UNSHARE[0] ?? '', [...UNSHARE.slice(1), 'sh', '-c', MAKE_ROOT, 'sh', '/mnt'], {
      env: labEnvironment(),
      stdio: 'pipe',
    })
    return undefined
  } catch (cause) {
    return `an overlay of this machine's root cannot be mounted (${messageOf(cause)})`
  }
}

async function firstChildOf(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  const child = Number(text.trim().split(' ')[0])
  // Before it is systemd it is the shell that mounts.
  const name = child > 0 ? await readFile(`/proc/${child}/comm`, 'utf8').catch(() => '') : ''
  return name === 'systemd\n' ? child : undefined
}

/** Boots systemd in the network namespace `namespace`, and waits until its basic target is reached. */
export async function bootSystemd(
  directory: RunDirectory,
  namespace: string,
): Promise<SystemdHost> {
  const base = join(directory.path, 'systemd')
  await mkdir(base)
  const daemon = await startDaemon({
    name: 'systemd',
    argv: inNamespace(namespace, [
      ...['sh', '-c', JOIN_CGROUP, 'sh', cgroupOf(directory.id)],
      ...[...UNSHARE, '--pid', '--fork', '--kill-child', '--ipc', '--uts'],
      ...['sh', '-c', BOOT, 'sh', base],
    ]),
    logFile: join(directory.path, 'systemd.log'),
  })
  const wait = { timeoutMs: 30_000, intervalMs: 50, hopeless: daemon.failure }
  const pid = await waitFor('systemd', () => firstChildOf(daemon.pid), wait)
  const inside = (argv: readonly string[]) => [
    ...['nsenter', '-t', `${pid}`, '--mount', '--net', '--ipc', '--uts', '--cgroup', '--pid'],
    ...argv,
  ]
  const path = (file: string) => join(`/proc/${pid}/root`, file)
  await waitFor(
    'the basic target of systemd',
    async () => {
      const { stdout } = await tryRun(inside(['systemctl', 'is-system-running']))
      if (stdout.trim() === 'degraded') {
        const failed = await run(inside(['systemctl', '--failed', '--plain', '--no-legend']))
        throw new ReprefixError('LAB_FAILED', `systemd: ${failed}`)
      }
      return stdout.trim() === 'running' ? true : undefined
    },
    wait,
  )
  return {
    docker: dockerApi(path('run/docker.sock')),
    path,
    put: async (file, text) => {
      await mkdir(dirname(path(file)), { recursive: true })
      await writeFile(path(file), text)
    },
    run: (argv) => run(inside(argv)),
    tryRun: (argv) => tryRun(inside(argv)),
  }
}
