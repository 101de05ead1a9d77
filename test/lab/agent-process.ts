import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { ReprefixError } from '../../shared/errors.ts'
import { inNamespace, type RunResult, tryRun } from './command.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { type WaitOptions, waitFor } from './deadline.ts'
import { renderNdppdRestart } from './home-server.ts'
import type { Lab } from './lab.ts'
import { HOME } from './lab-names.ts'
import { type ProgramEvent, parseProgramEvent } from './program-events.ts'
import { builtProgram, nodeProgram } from './programs.ts'

/** The agent on the home server. */
export interface AgentProcess {
  /** Everything it told since the lab began, over all its runs. */
  readonly events: readonly ProgramEvent[]
  readonly logFile: string
  /** Its settings file, as YAML. */
  readonly configuration: string
  isRunning(): boolean
  /** Its process id; changes with every start. */
  pid(): number | undefined
  enrol(join: string): Promise<void>
  start(): Promise<void>
  /** Ends it with SIGTERM and returns its exit code. */
  stop(): Promise<number | NodeJS.Signals>
  /** Kills it, as the kernel would. */
  kill(): Promise<void>
  /** Waits until it has ended by itself, or at another's hand; returns exit code or signal. */
  ended(options?: WaitOptions): Promise<number | NodeJS.Signals>
  /** Runs a command of the agent (`once`, `plan`, `status`) with the lab's configuration. */
  command(args: readonly string[]): Promise<RunResult>
  /** Waits for an event after the first `from` ones. */
  event(
    what: string,
    matches: (event: ProgramEvent) => boolean,
    from?: number,
    options?: WaitOptions,
  ): Promise<ProgramEvent>
}

/** What a lab may set differently from a usual host. */
export interface AgentOptions {
  readonly cloud: string
  readonly onEvent?: (event: ProgramEvent) => void
  /** Further settings below `docker`. */
  readonly docker?: Readonly<Record<string, unknown>>
  /** What its environment has more than the lab's, for example another PATH. */
  readonly environment?: Readonly<Record<string, string>>
  /** Installs the one file alone, without the library beside it: then it changes the host with `ip`. */
  readonly isOneFile?: boolean
}

/** Only what this machine needs said: everything else is measured at the product's defaults. */
function renderConfiguration(lab: Lab, root: string, { cloud, docker = {} }: AgentOptions): string {
  return stringify({
    cloud,
    interface: HOME.uplink,
    stateDirectory: join(root, 'state'),
    docker: { socket: lab.home.docker.api.socket, ...docker },
    ndp: {
      backend: 'ndppd',
      config: join(lab.directory.path, 'ndppd.conf'),
      restart: [join(root, 'restart-ndppd')],
    },
    firewall: { backend: 'ip6tables', default: 'drop' },
  })
}

/** Writes the agent's configuration and returns it unstarted. */
export async function prepareAgent(lab: Lab, options: AgentOptions): Promise<AgentProcess> {
  const root = join(lab.directory.path, 'agent')
  const configuration = join(root, 'agent.yaml')
  const logFile = join(lab.directory.path, 'agent.log')
  await mkdir(root)
  await writeFile(configuration, renderConfiguration(lab, root, options))
  await writeFile(join(root, 'restart-ndppd'), renderNdppdRestart(lab.directory), { mode: 0o755 })
  const oneFile = join(root, 'reprefix-agent')
  if (options.isOneFile) await copyFile(builtProgram('reprefix-agent.js'), oneFile)
  const program = options.isOneFile
    ? [process.execPath, oneFile]
    : nodeProgram('reprefix-agent.js', [])

  const events: ProgramEvent[] = []
  let daemon: Daemon | undefined
  const argv = (args: readonly string[], environment: readonly string[] = []): readonly string[] =>
    inNamespace(lab.namespaces.home, [
      // Set inside, so that another PATH is the agent's alone; env and nsenter keep the process id.
      ...['env', ...environment],
      ...[...program, ...args, '--config', configuration],
    ])
  const environment = Object.entries(options.environment ?? {}).map((pair) => pair.join('='))
  return {
    events,
    logFile,
    configuration,
    isRunning: () => daemon?.isRunning() ?? false,
    pid: () => daemon?.pid,
    enrol: async (joinString) => {
      const { code, stdout, stderr } = await tryRun(argv(['enroll', joinString]))
      // The command line holds a secret: only what the agent said of it is repeated.
      if (code !== 0) {
        throw new ReprefixError('LAB_FAILED', `enroll: exit ${code}: ${stderr || stdout}`)
      }
    },
    start: async () => {
      daemon = await startDaemon({
        name: 'agent',
        argv: argv(['run', '--json-log'], environment),
        logFile,
        onLine: (line) => {
          const event = parseProgramEvent(line)
          if (event === undefined) return
          events.push(event)
          options.onEvent?.(event)
        },
      })
    },
    stop: async () => (await daemon?.stop()) ?? 0,
    kill: async () => {
      await daemon?.stop('SIGKILL')
    },
    ended: (wait) => waitFor('end of the agent', () => daemon?.end(), wait),
    command: (args) => tryRun(argv(args)),
    event: (what, matches, from = 0, wait = {}) =>
      waitFor(`agent: ${what}`, () => events.slice(from).find(matches), {
        hopeless: () => daemon?.failure(),
        ...wait,
      }),
  }
}
