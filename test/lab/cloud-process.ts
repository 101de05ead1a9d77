import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { ReprefixError } from '../../shared/errors.ts'
import { parseJoin } from '../../shared/join.ts'
import { inNamespace, type RunResult, tryRun } from './command.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { waitFor } from './deadline.ts'
import type { Lab } from './lab.ts'
import { HOME, INTERNET } from './lab-names.ts'
import { type ProgramEvent, parseProgramEvent } from './program-events.ts'
import { nodeProgram } from './programs.ts'

/** The cloud as a process on a machine of its own, and its operator's command line. */
export interface CloudProcess {
  readonly url: string
  readonly events: readonly ProgramEvent[]
  /** Everything it said. */
  readonly logFile: string
  start(): Promise<void>
  stop(): Promise<void>
  /** Adds the home server with the names of the lab's containers; returns the join string. */
  addHost(names: readonly string[]): Promise<string>
  /** Runs `reprefix audit verify` with the public key that the host was given; its summary. */
  verifyAudit(): Promise<AuditSummary>
  /** Runs a `reprefix` command with the operator's rights. */
  operate(args: readonly string[]): Promise<RunResult>
}

/** The last line of `reprefix audit verify --json`. */
export interface AuditSummary {
  readonly ok: boolean
  readonly entries: number
}

/** How a cloud differs from a usual one. */
export interface CloudOptions {
  readonly onEvent?: (event: ProgramEvent) => void
  /** Hosts reach it over IPv6, and reports must come from inside the prefix that they report. */
  readonly requiresSource?: boolean
}

const PORT = 8080
const HOST = 'home'

function renderConfiguration(lab: Lab, root: string, url: string): string {
  const { name, algorithm } = lab.dns.tsig
  return stringify({
    url,
    listen: `[::]:${PORT}`,
    admin: { token: `\${file:${join(root, 'admin-token')}}` },
    store: `file:${join(root, 'reprefix.db')}`,
    log: { key: join(root, 'log.key') },
    zones: { [HOME.zone]: { ttl: 60, providers: ['bind'], nameServers: [lab.dns.address] } },
    providers: {
      bind: {
        type: 'rfc2136',
        server: lab.dns.address,
        tsig: { name, algorithm, secret: `\${file:${join(root, 'tsig')}}` },
      },
    },
  })
}

/** The last JSON line of a kind in a command's output. */
function lastLine(output: RunResult, kind: string): Record<string, unknown> {
  const lines = output.stdout.trim().split('\n').reverse()
  for (const line of lines) {
    if (!line.startsWith('{')) continue
    const value = JSON.parse(line) as Record<string, unknown>
    if (value.kind === kind) return value
  }
  const said = (output.stderr || output.stdout).trim()
  throw new ReprefixError('LAB_FAILED', `no ${kind} line, exit ${output.code}: ${said}`)
}

/** Writes the cloud's configuration, starts it in its namespace and waits until it answers. */
export async function startCloud(
  lab: Lab,
  { onEvent = () => {}, requiresSource = false }: CloudOptions = {},
): Promise<CloudProcess> {
  const root = join(lab.directory.path, 'cloud')
  const host = requiresSource ? `[${INTERNET.cloudIPv6}]` : INTERNET.cloudIPv4
  const url = `http://${host}:${PORT}`
  const token = randomBytes(24).toString('hex')
  const configuration = join(root, 'cloud.yaml')
  const logFile = join(lab.directory.path, 'cloud.log')
  await mkdir(root)
  await writeFile(join(root, 'admin-token'), `${token}\n`, { mode: 0o600 })
  await writeFile(join(root, 'tsig'), `${lab.dns.tsig.secret}\n`, { mode: 0o600 })
  await writeFile(configuration, renderConfiguration(lab, root, url))

  const events: ProgramEvent[] = []
  const inside = (argv: readonly string[]): readonly string[] =>
    inNamespace(lab.namespaces.cloud, argv)
  let daemon: Daemon | undefined
  let pinned: string | undefined
  const start = async (): Promise<void> => {
    const started = await startDaemon({
      name: 'cloud',
      argv: inside(nodeProgram('reprefix.js', ['serve', '--config', configuration])),
      logFile,
      onLine: (line) => {
        const event = parseProgramEvent(line)
        if (event === undefined) return
        events.push(event)
        onEvent(event)
      },
    })
    daemon = started
    const health = inside(['busybox', 'wget', '-q', '-O', '-', `${url}/healthz`])
    await waitFor(
      'answer of the cloud',
      async () => ((await tryRun(health)).code === 0 ? true : undefined),
      { intervalMs: 25, hopeless: () => started.failure() },
    )
  }
  const operate = (args: readonly string[]): Promise<RunResult> =>
    tryRun(inside(nodeProgram('reprefix.js', [...args, '--url', url, '--token', token])))
  await start()
  return {
    url,
    events,
    logFile,
    start,
    operate,
    stop: async () => {
      await daemon?.stop()
    },
    addHost: async (names) => {
      const args = names.flatMap((name) => ['--name', name])
      // A lab renumbers more often in a minute than a home does in a year.
      const policy = ['--prefix', HOME.range, '--reports-per-hour', '100000']
      if (requiresSource) policy.push('--source-check', 'require')
      const output = await operate(['host', 'add', HOST, ...args, ...policy, '--json'])
      const word = String(lastLine(output, 'host').join)
      pinned = parseJoin(word).vkey
      return word
    },
    verifyAudit: async () => {
      const key = pinned === undefined ? [] : ['--key', pinned]
      const summary = lastLine(await operate(['audit', 'verify', ...key, '--json']), 'summary')
      return { ok: summary.ok === true, entries: Number(summary.entries) }
    },
  }
}
