import { join } from 'node:path'
import { type Prefix, splice } from '../../shared/ipv6.ts'
import type { DockerApi } from './docker-api.ts'
import { type DockerDaemon, startDockerDaemon } from './docker-daemon.ts'
import { containerCommand, renderImage } from './image.ts'
import { HOME, type LabContainer } from './lab-names.ts'
import type { RunDirectory } from './run-directory.ts'

/** What identifies one life of a container: both change when it is restarted. */
export interface ContainerLife {
  readonly name: string
  readonly pid: number
  readonly startedAt: string
}

/** The home server: Docker with the lab's containers on one network in the stable base layout. */
export interface HomeServer {
  readonly docker: DockerDaemon
  /** Makes and starts a container; returns when Docker says that it runs. */
  startContainer(container: LabContainer): Promise<void>
  restartContainer(name: string): Promise<void>
  /** Removes containers and network and makes them anew: the bridge gets another interface index. */
  recreateNetwork(containers: readonly LabContainer[]): Promise<void>
  /** Reads which containers run, in the order given. */
  lives(containers: readonly LabContainer[]): Promise<readonly ContainerLife[]>
}

/** What a home server may have differently. */
export interface HomeServerOptions {
  /** Directories of another Docker's programs, first in dockerd's PATH. */
  readonly dockerPath?: string
  /** How Docker 27 and newer lets IPv6 into the network: `nat`, `nat-unprotected` or `routed`. */
  readonly gatewayMode?: string
  /** Docker's own IPv6 subnet of the network, if not the ULA that never changes. */
  readonly subnet?: Prefix
}

/** The name of the lab's image in its Docker. */
export const IMAGE = 'reprefix-lab'

async function importImage(api: DockerApi): Promise<void> {
  await api.call('POST', `/images/create?fromSrc=-&repo=${IMAGE}&tag=latest`, await renderImage())
}

async function createNetwork(
  api: DockerApi,
  { gatewayMode, subnet = HOME.ulaSubnet }: HomeServerOptions,
): Promise<void> {
  await api.call('POST', '/networks/create', {
    Name: HOME.network,
    Driver: 'bridge',
    EnableIPv6: true,
    IPAM: { Config: [{ Subnet: HOME.ipv4Subnet }, { Subnet: subnet }] },
    Options: {
      'com.docker.network.bridge.name': HOME.bridge,
      ...(gatewayMode === undefined
        ? {}
        : { 'com.docker.network.bridge.gateway_mode_ipv6': gatewayMode }),
    },
    Labels: { 'reprefix.subnet': HOME.suffix },
  })
}

function renderContainer(container: LabContainer, subnet: Prefix = HOME.ulaSubnet): unknown {
  const published = { '80/tcp': container.httpPort, '7/tcp': container.echoPort }
  const ports = Object.entries(published)
  return {
    Image: IMAGE,
    Cmd: containerCommand(container.name),
    Labels: { 'reprefix.dns': container.domain, 'reprefix.expose': '80/tcp' },
    ExposedPorts: Object.fromEntries(ports.map(([port]) => [port, {}])),
    HostConfig: {
      NetworkMode: HOME.network,
      PortBindings: Object.fromEntries(
        ports.map(([port, host]) => [port, [{ HostIp: HOME.serverIPv4, HostPort: `${host}` }]]),
      ),
    },
    NetworkingConfig: {
      EndpointsConfig: {
        [HOME.network]: {
          IPAMConfig: { IPv4Address: container.ipv4, IPv6Address: splice(subnet, container.ula) },
        },
      },
    },
  }
}

interface Inspected {
  readonly State: { readonly Pid: number; readonly StartedAt: string }
}

function isInspected(value: unknown): value is Inspected {
  return typeof value === 'object' && value !== null && 'State' in value
}

async function readLife(api: DockerApi, name: string): Promise<ContainerLife> {
  const answer = await api.call('GET', `/containers/${name}/json`)
  if (!isInspected(answer)) throw new TypeError(`Docker: no State in the answer about ${name}`)
  return { name, pid: answer.State.Pid, startedAt: answer.State.StartedAt }
}

/**
 * Starts Docker in the home server's namespace with the lab's network and these containers, and waits
 * until they run; with neither when `containers` is left out.
 */
export async function startHomeServer(
  directory: RunDirectory,
  namespace: string,
  containers?: readonly LabContainer[],
  options: HomeServerOptions = {},
): Promise<HomeServer> {
  const docker = await startDockerDaemon(directory, namespace, options.dockerPath)
  const { api } = docker
  const startContainer = async (container: LabContainer): Promise<void> => {
    await api.call(
      'POST',
      `/containers/create?name=${container.name}`,
      renderContainer(container, options.subnet),
    )
    await api.call('POST', `/containers/${container.name}/start`)
  }
  await Promise.all([importImage(api), containers && createNetwork(api, options)])
  await Promise.all((containers ?? []).map(startContainer))
  return {
    docker,
    startContainer,
    restartContainer: async (name) => {
      // busybox as process 1 ignores SIGTERM: do not wait the usual ten seconds for it.
      await api.call('POST', `/containers/${name}/restart?t=0`)
    },
    recreateNetwork: async (wanted) => {
      for (const { name } of wanted) await api.call('DELETE', `/containers/${name}?force=1`)
      await api.call('DELETE', `/networks/${HOME.network}`)
      await createNetwork(api, options)
      await Promise.all(wanted.map(startContainer))
    },
    lives: (wanted) => Promise.all(wanted.map(({ name }) => readLife(api, name))),
  }
}

/**
 * The shell script that (re)starts ndppd in the namespace it is called in, as a service manager
 * would. ndppd ends on SIGHUP, so a changed configuration needs a new process.
 */
export function renderNdppdRestart(directory: RunDirectory): string {
  const pidFile = join(directory.path, 'ndppd.pid')
  return `#!/bin/sh
set -e
if [ -s ${pidFile} ]; then
  old=$(cat ${pidFile})
  kill "$old" 2>/dev/null || :
  while [ -d "/proc/$old" ]; do sleep 0.002; done
  rm -f ${pidFile}
fi
exec ndppd -d -p ${pidFile} -c ${join(directory.path, 'ndppd.conf')}
`
}
