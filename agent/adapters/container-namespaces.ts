import { messageOf } from '../../shared/errors.ts'
import type { ContainerAddress, Step } from '../domain/step.ts'
import type { StepResult } from '../ports.ts'
import { type CommandResult, lastWords, type RunCommand } from './command.ts'
import type { ProcessTable } from './processes.ts'

/** Steps that change an address inside a container's network namespace. */
export type AddressStep = Extract<
  Step,
  { kind: 'address-add' | 'address-deprecate' | 'address-remove' }
>

// What `ip` says when the state asked for holds already (LC_ALL=C).
const ALREADY_GONE = /Cannot assign requested address/

/** One line of `ip -batch` for a step. Valid lifetime must be said: without it, `ip` means forever. */
export function renderAddressCommand(step: AddressStep): string {
  const target = `${step.address}/${step.length} dev ${step.interface}`
  switch (step.kind) {
    case 'address-add':
      // nodad: the suffix is ours alone, and the second that DAD takes would be an outage.
      return `address replace ${target} nodad`
    case 'address-deprecate': {
      // Without that word the kernel forgets that it made the address, and drops its temporary ones.
      const own = step.isLearnt ? ' mngtmpaddr' : ''
      return `address change ${target}${own} preferred_lft 0 valid_lft ${step.validSeconds ?? 'forever'}`
    }
    case 'address-remove':
      return `address del ${target}`
  }
}

/**
 * Reads from an `ip -force -batch` run which of its lines failed, as line number (from 1) → message.
 * `ip` prints the kernel's words, then `Command failed -:LINE`.
 */
export function failedLines(result: CommandResult, lines: number): ReadonlyMap<number, string> {
  const failed = new Map<number, string>()
  if (result.exitCode === 0) return failed
  let words = ''
  for (const line of result.stderr.split('\n')) {
    const number = /^Command failed -:(\d+)/.exec(line)?.[1]
    if (number === undefined) words = line.trim() || words
    else failed.set(Number(number), words)
  }
  // A batch that stopped for another reason says no line: then none of them can be trusted.
  if (failed.size === 0) {
    for (let line = 1; line <= lines; line++) failed.set(line, lastWords(result))
  }
  return failed
}

/** What `xargs` hands on as it is: it would take quotes, blanks and backslashes as its own. */
const PLAIN = /^[\w.:@/-]+$/
/** From here on one `xargs` that starts all costs less than that many processes of our own. */
const MANY = 3
/** More at once only queue for the processors. */
const SIDE_BY_SIDE = '4'

type Finish = (step: AddressStep, error?: string) => StepResult

/** The processes in one container's namespace, and the steps to take there. */
interface Group {
  readonly target: ContainerAddress
  readonly steps: readonly AddressStep[]
  readonly finish: Finish
}

function groupByNamespace(steps: readonly AddressStep[]): readonly Group[] {
  const startedAt = performance.now()
  const finish: Finish = (step, error) => {
    const ms = performance.now() - startedAt
    return error === undefined
      ? { step, outcome: 'done', ms }
      : { step, outcome: 'failed', ms, error }
  }
  const groups = new Map<number, AddressStep[]>()
  for (const step of steps) groups.set(step.pid, [...(groups.get(step.pid) ?? []), step])
  return [...groups.values()].flatMap((own) =>
    own[0] === undefined ? [] : [{ target: own[0], steps: own, finish }],
  )
}

/**
 * Applies address steps. Many containers are entered by one `xargs`, which starts a process for each
 * at a fraction of what it costs us; a few, and all of them when anything at all went wrong there, by
 * one `nsenter … ip -batch` per container, which tells what failed and why. Steps are idempotent, so
 * taking them twice is safe.
 *
 * A container that has died meanwhile has nothing left to number: its steps count as done. Refuses to
 * enter the agent's own namespace, which a reused pid could lead to.
 */
export function createContainerNamespaces(run: RunCommand, processes: ProcessTable) {
  /** What is to be said of a group without entering; `null` where it is to be entered. */
  async function judge({ target, steps, finish }: Group): Promise<readonly StepResult[] | null> {
    const { pid, container } = target
    const [own, theirs] = await Promise.all([
      processes.netNamespaceOf('self'),
      processes.netNamespaceOf(pid),
    ])
    if (theirs === null) return steps.map((step) => finish(step))
    if (theirs !== own) return null
    const error = `process ${pid} of container ${container} shares the host's network namespace`
    return steps.map((step) => finish(step, error))
  }

  async function runBatch({ target, steps, finish }: Group): Promise<readonly StepResult[]> {
    const { pid } = target
    const input = `${steps.map(renderAddressCommand).join('\n')}\n`
    const result = await run(
      ['nsenter', '-t', String(pid), '-n', 'ip', '-6', '-force', '-batch', '-'],
      { input },
    )
    const failed = failedLines(result, steps.length)
    if (failed.size > 0 && (await processes.netNamespaceOf(pid)) === null) {
      return steps.map((step) => finish(step))
    }
    return steps.map((step, index) => {
      const words = failed.get(index + 1)
      if (words === undefined) return finish(step)
      if (step.kind === 'address-remove' && ALREADY_GONE.test(words)) return finish(step)
      return finish(step, words === '' ? 'ip failed without a message' : words)
    })
  }

  async function applyToContainer(group: Group): Promise<readonly StepResult[]> {
    try {
      return (await judge(group)) ?? (await runBatch(group))
    } catch (cause) {
      return group.steps.map((step) => group.finish(step, messageOf(cause)))
    }
  }

  /** All groups by one process; `null` when something failed, without saying what. */
  async function applyToMany(groups: readonly Group[]): Promise<readonly StepResult[] | null> {
    const verdicts = await Promise.all(groups.map(judge))
    const entered = groups.filter((_, index) => verdicts[index] === null)
    const commands = entered.flatMap(({ steps }) =>
      steps.map((step) => ['-t', `${step.pid}`, '-n', 'ip', '-6', ...argumentsOf(step)]),
    )
    if (!commands.flat().every((word) => PLAIN.test(word))) return null
    const input = commands.map((command) => `${command.join(' ')}\n`).join('')
    const { exitCode } = await run(['xargs', '-P', SIDE_BY_SIDE, '-L', '1', 'nsenter'], { input })
    if (exitCode !== 0) return null
    return groups.flatMap(
      ({ steps, finish }, index) => verdicts[index] ?? steps.map((step) => finish(step)),
    )
  }

  /** Applies the steps; what fails in one container says nothing about the others. */
  async function apply(steps: readonly AddressStep[]): Promise<readonly StepResult[]> {
    const groups = groupByNamespace(steps)
    const together = groups.length < MANY ? null : await applyToMany(groups).catch(() => null)
    return together ?? (await Promise.all(groups.map(applyToContainer))).flat()
  }

  return { apply }
}

function argumentsOf(step: AddressStep): readonly string[] {
  return renderAddressCommand(step).split(' ')
}
