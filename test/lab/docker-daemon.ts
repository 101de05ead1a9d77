import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inNamespace, labEnvironment } from './command.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { waitFor } from './deadline.ts'
import { type DockerApi, dockerApi } from './docker-api.ts'
import { cgroupOf } from './lab-names.ts'
import type { RunDirectory } from './run-directory.ts'

/** The home server's own Docker: containerd and dockerd with every path inside the lab. */
export interface DockerDaemon {
  readonly api: DockerApi
  /** Its daemon.json. */
  readonly configuration: string
  readonly pidFile: string
  /** The argument vector that starts dockerd, for somebody who restarts it from inside the lab. */
  readonly argv: readonly string[]
  /** Ends dockerd alone; containers stay (live-restore). */
  stop(): Promise<void>
  start(): Promise<void>
}

/**
 * Before containerd starts, in a mount namespace of its own: Docker's mounts end with its processes,
 * and paths that cannot be configured (shim sockets, Docker 20.10's key file) stay inside the lab.
 */
const PRIVATE_MOUNTS = `set -e
mount -t tmpfs -o mode=755 tmpfs /run
if [ -d /etc/docker ]; then mount --bind "$1" /etc/docker; fi
shift
exec "$@"`

function renderContainerdConfiguration(root: string): string {
  return `version = 2
root = "${root}/containerd"
state = "${root}/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "${root}/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "${root}/opt"
`
}

async function writeConfiguration(root: string, id: string, settings: object): Promise<void> {
  await mkdir(join(root, 'etc'), { recursive: true })
  await writeFile(join(root, 'containerd.toml'), renderContainerdConfiguration(root))
  const configuration = {
    'data-root': join(root, 'data'),
    'exec-root': join(root, 'exec'),
    pidfile: join(root, 'dockerd.pid'),
    hosts: [`unix://${join(root, 'docker.sock')}`],
    containerd: join(root, 'containerd.sock'),
    'cgroup-parent': `/${cgroupOf(id)}`,
    // Works on every machine, with and without systemd.
    'exec-opts': ['native.cgroupdriver=cgroupfs'],
    'live-restore': true,
    ...settings,
  }
  await writeFile(join(root, 'daemon.json'), JSON.stringify(configuration))
}

/**
 * Starts containerd and dockerd in the network namespace `namespace` and waits for the API. dockerd and
 * the programs that it starts are looked for in `path` first. `settings` come into its daemon.json besides.
 */
export async function startDockerDaemon(
  directory: RunDirectory,
  namespace: string,
  path?: string,
  settings: object = {},
): Promise<DockerDaemon> {
  const root = join(directory.path, 'docker')
  await writeConfiguration(root, directory.id, settings)
  const api = dockerApi(join(root, 'docker.sock'))
  const containerd = await startDaemon({
    name: 'containerd',
    argv: inNamespace(namespace, [
      ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c', PRIVATE_MOUNTS, 'sh'],
      ...[join(root, 'etc'), 'containerd', '--config', join(root, 'containerd.toml')],
    ]),
    logFile: join(directory.path, 'containerd.log'),
  })
  // containerd has entered its mount namespace once it listens there.
  const containerdApi = join(root, 'containerd.sock')
  await waitForSocket(containerdApi, containerd)

  const configuration = join(root, 'daemon.json')
  const argv = inNamespace(namespace, [
    ...['nsenter', `--mount=/proc/${containerd.pid}/ns/mnt`],
    ...['dockerd', '--config-file', configuration],
  ])
  let dockerd: Daemon | undefined
  const start = async (): Promise<void> => {
    const daemon = await startDaemon({
      name: 'dockerd',
      argv,
      logFile: join(directory.path, 'dockerd.log'),
      environment: path === undefined ? {} : { PATH: `${path}:${labEnvironment().PATH}` },
    })
    dockerd = daemon
    await waitFor('answer of dockerd', () => answers(api), {
      timeoutMs: 60_000,
      intervalMs: 25,
      hopeless: () => daemon.failure() ?? containerd.failure(),
    })
  }
  await start()
  return {
    api,
    configuration,
    pidFile: join(root, 'dockerd.pid'),
    argv,
    start,
    stop: async () => {
      await dockerd?.stop()
    },
  }
}

async function waitForSocket(path: string, owner: Daemon): Promise<void> {
  await waitFor(`socket of ${owner.name}`, () => (existsSync(path) ? true : undefined), {
    timeoutMs: 30_000,
    hopeless: () => owner.failure(),
  })
}

async function answers(api: DockerApi): Promise<true | undefined> {
  try {
    await api.call('GET', '/_ping')
    return true
  } catch {
    return undefined // not listening yet
  }
}
