import { messageOf } from '../../shared/errors.ts'
import type { StepResult } from '../ports.ts'
import type { AddressStep, Network } from './network.ts'
import type { ProcessTable } from './processes.ts'

/** The steps to take in one container's namespace. */
type Group = readonly [AddressStep, ...AddressStep[]]

function groupByNamespace(steps: readonly AddressStep[]): readonly Group[] {
  const groups = new Map<number, Group>()
  for (const step of steps) {
    const group = groups.get(step.pid)
    groups.set(step.pid, group === undefined ? [step] : [...group, step])
  }
  return [...groups.values()]
}

/**
 * Applies address steps, container by container; what fails in one says nothing about the others.
 *
 * A container that has died meanwhile has nothing left to number: its steps count as done. Refuses to
 * enter the agent's own namespace, which a reused pid could lead to.
 */
export function createContainerNamespaces(network: Network, processes: ProcessTable) {
  async function applyToContainer(group: Group): Promise<readonly StepResult[]> {
    const startedAt = performance.now()
    const finish = (errorOf: (index: number) => string | undefined) =>
      group.map((step, index): StepResult => {
        const error = errorOf(index)
        const ms = performance.now() - startedAt
        return error === undefined
          ? { step, outcome: 'done', ms }
          : { step, outcome: 'failed', ms, error }
      })
    const [{ pid, container }] = group
    try {
      const [own, theirs] = await Promise.all([
        processes.netNamespaceOf('self'),
        processes.netNamespaceOf(pid),
      ])
      if (theirs === null) return finish(() => undefined)
      if (theirs === own) {
        const error = `process ${pid} of container ${container} shares the host's network namespace`
        return finish(() => error)
      }
      const failures = await network.change(pid, group)
      const isGone = failures.size > 0 && (await processes.netNamespaceOf(pid)) === null
      return finish((index) => (isGone ? undefined : failures.get(index)))
    } catch (cause) {
      const isGone = (await processes.netNamespaceOf(pid)) === null
      return finish(() => (isGone ? undefined : messageOf(cause)))
    }
  }

  async function apply(steps: readonly AddressStep[]): Promise<readonly StepResult[]> {
    return (await Promise.all(groupByNamespace(steps).map(applyToContainer))).flat()
  }

  return { apply }
}
