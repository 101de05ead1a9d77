import { type Finding, fail, ok, type Read, warn } from './finding.ts'

/** What is known of a file or directory: who owns it and who may do what with it. */
export interface FileFacts {
  readonly path: string
  /** Permission bits; `null` where there is no such file. */
  readonly mode: number | null
  readonly owner: number
}

/** A program that the settings make necessary, and whether it is installed. */
export interface ProgramFacts {
  readonly program: string
  /** The Debian package that has it, `null` where the operator named it. */
  readonly package: string | null
  readonly isInstalled: boolean
}

/** The host apart from its network. */
export interface HostFacts {
  readonly isRoot: boolean
  readonly settings: FileFacts
  readonly stateDirectory: FileFacts
  readonly keyFile: FileFacts
  readonly freeBytes: Read<number>
  readonly programs: readonly ProgramFacts[]
  /** Whether an agent works with the state directory now. */
  readonly isAgentRunning: boolean
  /** Why its passes fail, `null` when the last one did not. */
  readonly lastFault: { readonly since: string; readonly message: string } | null
}

const OTHERS_WRITE = 0o022
const OTHERS_ANY = 0o077
const MEGABYTE = 1024 * 1024
const FAIL_BELOW = 16 * MEGABYTE
const WARN_BELOW = 256 * MEGABYTE

/** Judges rights, programs and the disk. */
export function judgeHost(facts: HostFacts): readonly Finding[] {
  return [
    ok('settings', `${facts.settings.path} is readable and right`),
    facts.isRoot
      ? ok('root', 'running as root')
      : fail('root', 'not running as root: not everything can be looked at', 'try sudo'),
    judgeSettingsMode(facts.settings),
    judgePrograms(facts.programs),
    judgeStateDirectory(facts.stateDirectory),
    judgeKeyFile(facts.keyFile),
    judgeDisk(facts.freeBytes, facts.stateDirectory.path),
    judgeAgent(facts),
  ]
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

function judgeSettingsMode({ path, mode, owner }: FileFacts): Finding {
  const remedy = `chown root ${path} && chmod go-w ${path}`
  if (owner !== 0) {
    return fail(
      'settings-mode',
      `${path} belongs to user ${owner}, who can have root run any command by it`,
      remedy,
    )
  }
  if (mode !== null && (mode & OTHERS_WRITE) !== 0) {
    const what = `${path} may be written by others (mode ${octal(mode)}), and it names commands that root runs`
    return fail('settings-mode', what, remedy)
  }
  return ok('settings-mode', 'only root may change the settings')
}

function judgePrograms(programs: readonly ProgramFacts[]): Finding {
  const missing = programs.filter(({ isInstalled }) => !isInstalled)
  if (missing.length === 0) {
    return ok('programs', `${programs.map(({ program }) => program).join(', ')} are installed`)
  }
  const packages = [...new Set(missing.flatMap((one) => one.package ?? []))]
  const named = missing.filter((one) => one.package === null).map(({ program }) => program)
  const remedies = [
    ...(packages.length === 0 ? [] : [`apt-get install ${packages.join(' ')}`]),
    ...(named.length === 0 ? [] : [`correct ${named.join(', ')} in the settings`]),
  ]
  const names = missing.map(({ program }) => program).join(', ')
  return fail('programs', `not installed: ${names}`, remedies.join('; '))
}

function judgeStateDirectory({ path, mode, owner }: FileFacts): Finding {
  if (mode === null) {
    return ok('state-directory', `${path} is not there yet: the agent makes it at its first start`)
  }
  if ((mode & OTHERS_ANY) === 0 && owner === 0) {
    return ok('state-directory', `${path} is root’s alone`)
  }
  const what = `${path} holds the host’s key and is open to others (mode ${octal(mode)}, user ${owner})`
  return fail('state-directory', what, `chown root ${path} && chmod 700 ${path}`)
}

function judgeKeyFile({ path, mode, owner }: FileFacts): Finding {
  if (mode === null) return ok('key-file', 'no key yet')
  if ((mode & OTHERS_ANY) === 0 && owner === 0) return ok('key-file', `${path} is root’s alone`)
  const what = `${path} holds the host’s key and is open to others (mode ${octal(mode)}, user ${owner})`
  return fail(
    'key-file',
    what,
    `chown root ${path} && chmod 600 ${path}; if somebody may have read it: reprefix-agent enroll --force JOIN`,
  )
}

function judgeDisk(free: Read<number>, path: string): Finding {
  if ('fault' in free) return warn('disk', free.fault, `look at it: df ${path}`)
  const megabytes = Math.floor(free.value / MEGABYTE)
  const what = `${megabytes} MiB free for ${path}`
  const remedy = `free space on its file system: df ${path}`
  if (free.value < FAIL_BELOW) return fail('disk', what, remedy)
  return free.value < WARN_BELOW ? warn('disk', what, remedy) : ok('disk', what)
}

function judgeAgent({ isAgentRunning, lastFault }: HostFacts): Finding {
  if (!isAgentRunning) {
    return warn('agent', 'no agent is running', 'systemctl enable --now reprefix-agent')
  }
  if (lastFault === null) return ok('agent', 'an agent is running, and its last pass was good')
  return fail(
    'agent',
    `passes fail since ${lastFault.since}: ${lastFault.message}`,
    'mend that; the agent tries again by itself',
  )
}
