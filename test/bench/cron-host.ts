import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ReprefixError } from '../../shared/errors.ts'
import type { Prefix } from '../../shared/ipv6.ts'
import { inNamespace, run } from '../lab/command.ts'
import { IMAGE, renderNdppdRestart } from '../lab/home-server.ts'
import { containerCommand } from '../lab/image.ts'
import type { Lab } from '../lab/lab.ts'
import { HOME, type LabContainer } from '../lab/lab-names.ts'

/** A home server whose prefix is changed by a script, as cron would call it. */
export interface CronHost {
  /** Runs the script, and then `updateDns`. */
  renumber(): Promise<void>
}

const SCRIPT = 'test/bench/cron-renumber.sh'
const SCRIPT_TIMEOUT_MS = 180_000

/** The script in this repository, also for the bundle in `dist`. */
function scriptPath(): string {
  let directory = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(directory, SCRIPT))) {
    const parent = dirname(directory)
    if (parent === directory) throw new ReprefixError('LAB_FAILED', `${SCRIPT} is missing`)
    directory = parent
  }
  return join(directory, SCRIPT)
}

/** One line of the script's list of containers. */
export function renderStackLine(container: LabContainer): string {
  const { name, ipv4, ula, httpPort, echoPort } = container
  // What follows the network part of the stable base, which is four groups long.
  const suffix = ula.split(':').slice(4).join(':')
  return `${name} ${ipv4} ${suffix} ${httpPort}:80 ${echoPort}:7`
}

/** The script that restarts Docker as `systemctl restart docker` does: it returns when Docker answers. */
function renderDockerRestart({ home }: Lab, log: string): string {
  return `#!/bin/sh
set -e
old=$(cat ${home.docker.pidFile})
kill "$old"
while [ -d "/proc/$old" ]; do sleep 0.01; done
setsid ${home.docker.argv.join(' ')} </dev/null >>${log} 2>&1 &
until docker version >/dev/null 2>&1; do sleep 0.02; done
`
}

async function writeScript(path: string, text: string): Promise<string> {
  await writeFile(path, text, { mode: 0o755 })
  return path
}

/** daemon.json as a person writes it, which is what sed can edit. */
async function enableDefaultBridge(lab: Lab, groups: string): Promise<void> {
  const { docker } = lab.home
  await docker.stop()
  const settings: unknown = JSON.parse(await readFile(docker.configuration, 'utf8'))
  const wanted = { ...Object(settings), ipv6: true, 'fixed-cidr-v6': `${groups}:0::/80` }
  await writeFile(docker.configuration, `${JSON.stringify(wanted, null, 2)}\n`)
  await docker.start()
}

async function dropByDefault(lab: Lab): Promise<void> {
  await run(inNamespace(lab.namespaces.home, ['ip6tables-restore', '--noflush']), {
    input: `*filter
:FORWARD DROP [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -p ipv6-icmp -j ACCEPT
-A FORWARD -i ${HOME.bridge} -j ACCEPT
COMMIT
`,
  })
}

/** The first four groups of a prefix of 64 bits, as the script takes them from an address. */
export function groupsOf(prefix: Prefix): string {
  return prefix.slice(0, prefix.indexOf('::'))
}

/**
 * Makes an unfurnished lab's home server one that a script renumbers: Docker with its default bridge
 * in the prefix, ndppd with the method `auto`, forwarding dropped by default. `updateDns` is the
 * command that the script ends with. `never` is a prefix that is not announced: the first run of the
 * script makes the containers.
 */
export async function prepareCronHost(
  lab: Lab,
  updateDns: string,
  never: Prefix,
): Promise<CronHost> {
  const root = join(lab.directory.path, 'cron')
  const ndppd = join(lab.directory.path, 'ndppd.conf')
  const groups = groupsOf(never)
  await mkdir(join(root, 'stack'), { recursive: true })
  await enableDefaultBridge(lab, groups)
  await dropByDefault(lab)
  // The times that ndppd has when nothing is said.
  await writeFile(ndppd, `proxy ${HOME.uplink} {\n  rule ${groups}:1::/80 {\n    auto\n  }\n}\n`)
  const lines = lab.containers.map(renderStackLine)
  await writeFile(join(root, 'stack/containers'), `${lines.join('\n')}\n`)
  for (const { name } of lab.containers) {
    const [, , program = ''] = containerCommand(name)
    await writeFile(join(root, `stack/${name}.sh`), program)
  }
  const settings = {
    INTERFACE: HOME.uplink,
    DAEMON_JSON: lab.home.docker.configuration,
    NDPPD_CONF: ndppd,
    NETWORK: HOME.network,
    BRIDGE: HOME.bridge,
    IPV4_SUBNET: HOME.ipv4Subnet,
    IMAGE,
    PUBLISH: HOME.serverIPv4,
    STACK: join(root, 'stack'),
    RESTART_DOCKER: await writeScript(
      join(root, 'restart-docker'),
      renderDockerRestart(lab, join(lab.directory.path, 'dockerd.log')),
    ),
    RESTART_NDPPD: await writeScript(
      join(root, 'restart-ndppd'),
      renderNdppdRestart(lab.directory),
    ),
    UPDATE_DNS: updateDns,
  }
  const settingsFile = join(root, 'settings')
  const assignments = Object.entries(settings).map(([key, value]) => `${key}='${value}'`)
  const environment = `export DOCKER_HOST='unix://${lab.home.docker.api.socket}'`
  await writeFile(settingsFile, `${[environment, ...assignments].join('\n')}\n`)
  return {
    renumber: async () => {
      const argv = inNamespace(lab.namespaces.home, ['sh', scriptPath(), settingsFile])
      await run(argv, { timeoutMs: SCRIPT_TIMEOUT_MS })
    },
  }
}
