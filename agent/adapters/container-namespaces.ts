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
    case 'address-deprecate':
      return `address change ${target} preferred_lft 0 valid_lft ${step.validSeconds ?? 'forever'}`
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

function byNamespace(steps: readonly AddressStep[]): readonly (readonly AddressStep[])[] {
  const groups = new Map<number, AddressStep[]>()
  for (const step of steps) groups.set(step.pid, [...(groups.get(step.pid) ?? []), step])
  return [...groups.values()]
}

/**
 * Applies address steps, one `nsenter … ip -batch` per container and all containers at once. A
 * container that has died meanwhile has nothing left to number: its steps count as done. Refuses to
 * enter the agent's own namespace, which a reused pid could lead to.
 */
export function createContainerNamespaces(run: RunCommand, processes: ProcessTable) {
  async function runBatch(
    steps: readonly AddressStep[],
    { pid, container }: ContainerAddress,
  ): Promise<readonly StepResult[]> {
    const startedAt = performance.now()
    const finish = (step: AddressStep, error?: string): StepResult => {
      const ms = performance.now() - startedAt
      return error === undefined
        ? { step, outcome: 'done', ms }
        : { step, outcome: 'failed', ms, error }
    }
    const [own, theirs] = await Promise.all([
      processes.netNamespaceOf('self'),
      processes.netNamespaceOf(pid),
    ])
    if (theirs === null) return steps.map((step) => finish(step))
    if (theirs === own) {
      const error = `process ${pid} of container ${container} shares the host's network namespace`
      return steps.map((step) => finish(step, error))
    }
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

  async function applyToContainer(
    steps: readonly AddressStep[],
    target: ContainerAddress,
  ): Promise<readonly StepResult[]> {
    const startedAt = performance.now()
    try {
      return await runBatch(steps, target)
    } catch (cause) {
      const error = messageOf(cause)
      const ms = performance.now() - startedAt
      return steps.map((step) => ({ step, outcome: 'failed' as const, ms, error }))
    }
  }

  /** Applies the steps; what fails in one container says nothing about the others. */
  async function apply(steps: readonly AddressStep[]): Promise<readonly StepResult[]> {
    const groups = byNamespace(steps)
    const results = await Promise.all(
      groups.map((group) => {
        const [first] = group
        return first === undefined ? [] : applyToContainer(group, first)
      }),
    )
    return results.flat()
  }

  return { apply }
}
